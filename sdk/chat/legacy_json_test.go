package chat

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestPart_UnmarshalJSON_earlierForm checks that parts which were stored before there were
// media and provider states are read as those.
func TestPart_UnmarshalJSON_earlierForm(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Part
	}{
		"image bytes": {`{"image":{"media_type":"image/png","data":"AQI="}}`,
			Part{Media: &Media{Kind: Image, MediaType: "image/png", Data: []byte{1, 2}}}},
		"image URL": {`{"image":{"url":"https://example.org/a.png"}}`,
			Part{Media: &Media{Kind: Image, URL: "https://example.org/a.png"}}},
		"signed reasoning": {`{"reasoning":{"text":"hm","signature":"AQ=="}}`,
			Part{Reasoning: &Reasoning{Text: "hm"}, State: &ProviderState{Data: []byte{1}}}},
		"reasoning": {`{"reasoning":{"text":"hm"}}`, Part{Reasoning: &Reasoning{Text: "hm"}}},
		"text":      {`{"text":"a"}`, Part{Text: "a"}},
		"nothing":   {`{}`, Part{}},
		"result": {`{"tool_result":{"tool_call_id":"1","parts":[{"image":{"url":"u"}}]}}`,
			Part{ToolResult: &ToolResult{ToolCallID: "1", Parts: []Part{{Media: &Media{Kind: Image, URL: "u"}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Part
			if err := json.Unmarshal([]byte(c.text), &got); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestPart_UnmarshalJSON_roundTrip checks that a part with everything set keeps all of it.
func TestPart_UnmarshalJSON_roundTrip(t *testing.T) {
	texts := 0
	want := *fill(reflect.New(reflect.TypeFor[Message]()), 0, &texts).Interface().(*Message)
	want = want.Clean() // JSON has no texts that are not UTF-8
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s became %+v, %v", text, got, err)
	}
}

// TestPart_UnmarshalJSON_unknownMember checks that a misspelled member is refused.
func TestPart_UnmarshalJSON_unknownMember(t *testing.T) {
	var p Part
	if err := json.Unmarshal([]byte(`{"txt":"a"}`), &p); err == nil || !strings.Contains(err.Error(), "txt") {
		t.Errorf("got %v", err)
	}
}
