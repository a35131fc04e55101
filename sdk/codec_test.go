package sdk

import (
	"fmt"
	"testing"

	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/proto"
)

// TestCodec_cleansTexts checks that a message is sent although a text in it, at any depth, is not
// UTF-8, and that valid texts are sent unchanged.
func TestCodec_cleansTexts(t *testing.T) {
	message := func(text string) *chatv1.Message {
		return &chatv1.Message{Parts: []*chatv1.Part{
			{Part: &chatv1.Part_ToolResult{ToolResult: &chatv1.ToolResult{Name: text, Parts: []*chatv1.Part{{Part: &chatv1.Part_Text{Text: text}}}}}},
		}}
	}
	const bad, good = "a\xff\x00", "a\uFFFD\uFFFD"
	for _, c := range []struct{ sent, want proto.Message }{
		{&memoryv1.RecallResponse{Items: []*memoryv1.Item{{Message: message("ok")}, {Message: message(bad)}}}, &memoryv1.RecallResponse{Items: []*memoryv1.Item{{Message: message("ok")}, {Message: message(good)}}}},
		{&storagev1.ReadRequest{Call: &chatv1.CallContext{User: bad}}, &storagev1.ReadRequest{Call: &chatv1.CallContext{User: good}}},
		{&storagev1.RenewRequest{Holders: []string{"ok", bad}}, &storagev1.RenewRequest{Holders: []string{"ok", good}}},
		// A NUL is valid UTF-8, so that the codec does not replace it.
		{&storagev1.GetTenantsRequest{Tenants: []string{"a\x00"}}, &storagev1.GetTenantsRequest{Tenants: []string{"a\x00"}}},
	} {
		t.Run(fmt.Sprintf("%T", c.sent), func(t *testing.T) {
			data, err := newCodec().Marshal(c.sent)
			if err != nil {
				t.Fatal(err)
			}
			defer data.Free()
			got := c.want.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(data.Materialize(), got); err != nil || !proto.Equal(got, c.want) {
				t.Errorf("sent %v, %v; want %v", got, err, c.want)
			}
		})
	}
	if _, err := newCodec().Marshal("no message"); err == nil {
		t.Error("a value that is not a message was encoded")
	}
}
