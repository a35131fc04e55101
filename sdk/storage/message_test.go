package storage

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

func TestEncodeMessage(t *testing.T) {
	m := chat.Message{Role: chat.Assistant, Unknown: chat.Unknown("\xa2\x06\x01x"), Parts: []chat.Part{
		{Text: "a cat", Citations: []chat.Citation{{URL: "u", Unknown: chat.Unknown("\xa2\x06\x01y")}}},
		{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Maker: "m", Data: []byte{0, 1}}},
		{Refusal: &chat.Refusal{Text: ", no"}},
		{Unknown: chat.Unknown("\xa2\x06\x01z")},
	}}
	stored := EncodeMessage(m)
	if stored.Text != "a cat, no" {
		t.Errorf("the text is %q", stored.Text)
	}
	back, err := stored.Decode()
	if err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%+v, %v; want %+v", back, err, m)
	}
	if again := EncodeMessage(back); !bytes.Equal(again.Body, stored.Body) {
		t.Errorf("encoded again it is %q; want %q", again.Body, stored.Body)
	}
	if size := stored.Size(); size < len(stored.Body)+2*2 {
		t.Errorf("the size %d is less than the message takes", size)
	}
	dirty := EncodeMessage(chat.Text(chat.User, "a\x00\xffb"))
	if back, err := dirty.Decode(); err != nil || back.Text() != "a\uFFFD\uFFFDb" || dirty.Text != "a\uFFFD\uFFFDb" {
		t.Errorf("%q, %v, with the text %q", back.Text(), err, dirty.Text)
	}
	if _, err := (Message{Body: []byte("\xff")}).Decode(); !fault.Is(err, fault.Internal) {
		t.Errorf("bytes that are no message: %v", err)
	}
}

// TestEncodeMessage_longText checks that the text is cut between two characters.
func TestEncodeMessage_longText(t *testing.T) {
	m := EncodeMessage(chat.Text(chat.User, "x"+strings.Repeat("€", sdk.MaxTextBytes/3+1)))
	if n := len(m.Text); n > sdk.MaxTextBytes || n < sdk.MaxTextBytes-3 || !strings.HasSuffix(m.Text, "€") || len(m.Body) < sdk.MaxTextBytes {
		t.Errorf("the text has %d bytes, and the body %d", n, len(m.Body))
	}
}

func TestEncodeUsage(t *testing.T) {
	u := chat.Usage{InputTokens: 1, CacheWriteTokens: 2, Details: map[string]int64{"searches": 3}}
	if back, err := DecodeUsage(EncodeUsage(u)); err != nil || !back.Equal(u) {
		t.Errorf("%+v, %v", back, err)
	}
	many := chat.Usage{Details: map[string]int64{}}
	for i := range 2 * chat.MaxUsageDetails {
		many.Details[strings.Repeat("\u2028", i%20)+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = 1 << 62
	}
	if n := len(EncodeUsage(many)); n > sdk.MaxUsageBytes {
		t.Errorf("a usage has %d bytes", n)
	}
	if raw := EncodeUsage(chat.Usage{}); raw != nil {
		t.Errorf("no usage is %s", raw)
	}
	if u, err := DecodeUsage([]byte(`{"output_tokens": 2, "of_later": {}}`)); err != nil || u.OutputTokens != 2 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := DecodeUsage([]byte(`[]`)); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

func TestPackBodies(t *testing.T) {
	for _, bodies := range [][]string{nil, {""}, {"a"}, {"", "b", strings.Repeat("x", 300), ""}} {
		var messages []Message
		for _, b := range bodies {
			messages = append(messages, Message{Body: []byte(b)})
		}
		packed := PackBodies(messages)
		back, err := AppendPacked(nil, packed)
		if err != nil || !reflect.DeepEqual(back, messages) || (packed == nil) != (bodies == nil) {
			t.Errorf("%q came back as %q, %v", messages, back, err)
		}
		if PackedSize(packed, len(messages)) < Size(messages) {
			t.Errorf("%d messages are packed in less than their size", len(messages))
		}
	}
	for _, bad := range []string{"\x02a", "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"} {
		if _, err := AppendPacked(nil, []byte(bad)); !fault.Is(err, fault.Internal) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAppendLegacy(t *testing.T) {
	all, err := AppendLegacy(nil, []byte(`{"role":"user","parts":[{"text":"hi"},{"image":{"media_type":"image/png","data":"AAH/"}}]}`))
	if err == nil {
		all, err = AppendLegacy(all, []byte(`[{"role":"assistant","parts":[{"reasoning":{"text":"hm","signature":"AQI="}}]},{"role":"assistant","parts":[{"text":"yes"}]}]`))
	}
	want := EncodeMessages(
		chat.Message{Role: chat.User, Parts: []chat.Part{{Text: "hi"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 1, 255}}}}},
		chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte{1, 2}}}}},
		chat.Text(chat.Assistant, "yes"))
	for i := range want {
		want[i].Text = ""
	}
	if err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("%q, %v; want %q", all, err, want)
	}
	for _, bad := range []string{"", "7", `{"role": 1}`, `[{"parts":[{"later":1}]}]`} {
		if _, err := AppendLegacy(nil, []byte(bad)); !fault.Is(err, fault.Internal) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
