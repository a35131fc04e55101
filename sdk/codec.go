package sdk

import (
	"github.com/botyard/botyard/sdk/chat"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that codec builds on
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// codec encodes what a plugin answers. The protocol has texts in UTF-8, and what comes
// from upstreams and files is not always that: such a text is sent as [chat.Clean] has
// it, since without that the whole answer would be lost.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	out, err := c.CodecV2.Marshal(v)
	if m, ok := v.(proto.Message); err != nil && ok {
		clean(m.ProtoReflect())
		return c.CodecV2.Marshal(v)
	}
	return out, err
}

// clean cleans all texts of the message.
func clean(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap(): // the protocol has none with texts
		case f.IsList():
			for i, l := 0, v.List(); i < l.Len(); i++ {
				switch f.Kind() {
				case protoreflect.StringKind:
					l.Set(i, protoreflect.ValueOfString(chat.Clean(l.Get(i).String())))
				case protoreflect.MessageKind:
					clean(l.Get(i).Message())
				}
			}
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(chat.Clean(v.String())))
		case f.Kind() == protoreflect.MessageKind:
			clean(v.Message())
		}
		return true
	})
}
