package sdk

import (
	"github.com/botyard/botyard/sdk/chat"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec "proto", which codec wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// codec encodes the messages that a plugin sends. The protocol has texts in UTF-8 only, but a text
// from an upstream or a file may have other bytes. codec sends the [chat.Clean] form of an invalid
// text, because gRPC refuses to encode a message with an invalid text.
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

// clean replaces every text of the message, and of the messages in it, by its [chat.Clean] form.
func clean(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap(): // the names in Usage.details, the one map, are clean
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
