package sdk

import (
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/internal/wire"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec "proto", which codec wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// codec encodes the messages that a plugin sends, and decodes those that it gets. The protocol has
// texts in UTF-8 only, but a text from an upstream or a file may have other bytes. gRPC refuses to
// encode a message with such a text, so codec sends the [chat.Clean] form of the text.
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

// Unmarshal implements encoding.CodecV2. It decodes requests of a model with fewer allocations than
// other messages, because they have many messages in them.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*llmv1.ChatRequest)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	b := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer b.Free()
	return wire.UnmarshalChatRequest(b.ReadOnlyData(), r)
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
