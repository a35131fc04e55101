package echo

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func TestStructured(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"an object": {`{"type":"object","required":["b"],"properties":{"a":{"type":"string"},"b":{"type":"integer"},"c":{"type":"boolean"}}}`,
			`{"a":"hello","b":0,"c":true}`},
		"a second text":             {`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}`, `{"a":"hello","b":"echo"}`},
		"a choice":                  {`{"enum":["x","y"]}`, `"x"`},
		"a constant":                {`{"const":{"a":[1]}}`, `{"a":[1]}`},
		"numbers":                   {`{"type":"array","prefixItems":[{"type":"integer","minimum":3.5},{"type":"number","exclusiveMaximum":0},{"type":"number","minimum":0.25,"maximum":0.75},{"type":"integer","multipleOf":5,"minimum":7},{"type":"integer","exclusiveMinimum":0}]}`, `[4,-1,0.5,10,1]`},
		"texts":                     {`{"type":"array","prefixItems":[{"type":"string","maxLength":2},{"type":"string","minLength":6},{"type":"string","format":"date"}]}`, `["he","echo..","2000-01-01"]`},
		"lists":                     {`{"type":"array","items":{"type":"null"},"minItems":2}`, `[null,null]`},
		"no items":                  {`{"type":"array","items":{"type":"string"},"maxItems":0}`, `[]`},
		"a nullable":                {`{"type":["null","integer"]}`, `0`},
		"the first that works":      {`{"anyOf":[{"type":"string","pattern":"x"},{"type":"boolean"}]}`, `true`},
		"an optional that does not": {`{"type":"object","properties":{"a":{"type":"string","pattern":"x"},"b":{"type":"null"}}}`, `{"b":null}`},
		"one of all":                {`{"allOf":[{"type":"boolean"}]}`, `true`},
		"a reference":               {`{"$defs":{"a/b":{"type":"integer"}},"type":"object","required":["n"],"properties":{"n":{"$ref":"#/$defs/a~1b"}}}`, `{"n":0}`},
		"itself":                    {`{"type":"object","properties":{"next":{"$ref":"#"}}}`, `{"next":{"next":{}}}`},
		"a list of itself":          {`{"type":"object","required":["all"],"properties":{"all":{"type":"array","items":{"$ref":"#"}}}}`, `{"all":[{"all":[]}]}`},
		"no type":                   {`{"required":["a"]}`, `{"a":"hello"}`},
		"anything":                  {`{}`, `"hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // equal schemas get equal values
				got, err := structured(llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: json.RawMessage(c.schema)}, "hello")
				if err != nil || got != c.want {
					t.Errorf("got %s, %v; want %s", got, err, c.want)
				}
			}
		})
	}
}

func TestStructured_refuses(t *testing.T) {
	wide := `{"$ref":"#/$defs/a0","$defs":{` // each level has twice as many values as the level above
	for i := range 14 {
		wide += fmt.Sprintf(`"a%d":{"type":"object","required":["x","y"],"properties":{"x":{"$ref":"#/$defs/a%d"},"y":{"$ref":"#/$defs/a%d"}}},`, i, i+1, i+1)
	}
	wide += `"a14":{}}}`
	// many returns an object whose list has the value of the schema so often, by references.
	many := func(times int, schema string) string {
		return fmt.Sprintf(`{"type":"object","required":["a"],"properties":{"a":{"type":"array","minItems":%d,"items":{"type":"array","minItems":100,"items":{"$ref":"#/$defs/v"}}}},"$defs":{"v":%s}}`, times/100, schema)
	}
	big := strings.Repeat("x", 64<<10)
	deep := strings.Repeat(`{"type":"array","minItems":1,"items":`, 100) + `{}` + strings.Repeat(`}`, 100)
	for name, c := range map[string]struct {
		schema string
		class  fault.Class
		says   string
	}{
		"no JSON":             {`{`, fault.Invalid, "JSON Schema"},
		"a list":              {`[]`, fault.Invalid, "JSON Schema"},
		"null":                {`null`, fault.Invalid, "JSON Schema"},
		"a pattern":           {`{"type":"string","pattern":"^x$"}`, fault.Unsupported, "pattern"},
		"a negation":          {`{"not":{}}`, fault.Unsupported, "not"},
		"two of all":          {`{"allOf":[{},{}]}`, fault.Unsupported, "allOf with 2"},
		"nothing":             {`{"type":"object","required":["a"],"properties":{"a":false}}`, fault.Unsupported, "schema false"},
		"no number":           {`{"type":"integer","minimum":1,"maximum":0}`, fault.Unsupported, "number"},
		"no whole number":     {`{"type":"integer","minimum":0.2,"maximum":0.8}`, fault.Unsupported, "number"},
		"no text":             {`{"type":"string","minLength":3,"maxLength":2}`, fault.Unsupported, "characters"},
		"a huge text":         {`{"type":"string","minLength":99999999}`, fault.Unsupported, "characters"},
		"a huge list":         {`{"type":"array","minItems":99999999}`, fault.Unsupported, "items"},
		"different items":     {`{"type":"array","minItems":2,"uniqueItems":true}`, fault.Unsupported, "items"},
		"a type of its own":   {`{"type":"money"}`, fault.Unsupported, "money"},
		"a schema elsewhere":  {`{"$ref":"https://example.org/s"}`, fault.Unsupported, "elsewhere"},
		"a missing reference": {`{"$ref":"#/$defs/a"}`, fault.Unsupported, "does not have"},
		"an endless one":      {`{"$ref":"#"}`, fault.Unsupported, "levels"},
		"a deep one":          {deep, fault.Unsupported, "levels"},
		"a wide one":          {wide, fault.Unsupported, "values"},
		"many constants":      {many(1000, `{"const":{"a":["`+big+`"]}}`), fault.Unsupported, "more than 8 MiB"},
		"many of an enum":     {many(1000, `{"enum":["`+big+`"]}`), fault.Unsupported, "more than 8 MiB"},
		"many long names":     {many(1000, `{"type":"object","required":["`+big+`"]}`), fault.Unsupported, "more than 8 MiB"},
		"many long texts":     {many(2000, `{"type":"string","minLength":10000}`), fault.Unsupported, "more than 8 MiB"},
		"quotes count twice":  {many(100, `{"const":"`+strings.Repeat(`\"`, 64<<10)+`"}`), fault.Unsupported, "more than 8 MiB"},
		"a long reference":    {`{"$ref":"#/` + strings.Repeat("a/", 500) + `"}`, fault.Unsupported, "reference of more than"},
		"no schema":           {`{"allOf":["` + big + `"]}`, fault.Unsupported, "neither an object nor true or false"},
		"a type behind many":  {`{"type":[` + strings.Repeat(`"null",`, 1000) + `"money"],"required":["a"],"properties":{"a":false}}`, fault.Unsupported, "schema false"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request("hello")
			req.ResponseFormat = llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: json.RawMessage(c.schema)}
			_, finish, err := talk(t.Context(), open(t, Config{}), req)
			f := fault.Of(err)
			if err == nil || finish != nil || f.Class != c.class || f.Path.String() != "response_format.schema" || f.Party != fault.PartyCaller || !strings.Contains(f.Message, c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestStructured_leavesOut checks that an optional value that would make the reply too long is left out,
// and that the text of a value is as long as the bound says at most.
func TestStructured_leavesOut(t *testing.T) {
	schema := `{"type":"object","required":["z"],"properties":{"z":{"type":"array","minItems":60,"items":{"$ref":"#/$defs/v"}},` +
		`"a":{"type":"array","minItems":60,"items":{"$ref":"#/$defs/v"}},"b":{"type":"array","minItems":60,"items":{"$ref":"#/$defs/v"}},"c":{"type":"integer"}},` +
		`"$defs":{"v":{"const":"` + strings.Repeat("x", 64<<10) + `"}}}`
	got, err := structured(llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: json.RawMessage(schema)}, "hello")
	var value map[string]any
	if err != nil || json.Unmarshal([]byte(got), &value) != nil {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if len(got) > maxBytes || len(value) != 2 || value["z"] == nil || value["a"] == nil {
		t.Errorf("%d bytes with %d members", len(got), len(value))
	}
}

// TestStructured_reply checks that only the natural reply takes the form, and that tools come first.
func TestStructured_reply(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    Config
		format llm.FormatType
		want   string
	}{
		"a JSON object": {Config{}, llm.FormatJSONObject, `{"reply":"You said: \"hello\". I have no instructions. I was shown no earlier messages."}`},
		"text":          {Config{}, llm.FormatText, `You said: "hello". I have no instructions. I was shown no earlier messages.`},
		"a fixed reply": {Config{Reply: "no JSON"}, llm.FormatJSONObject, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request("hello")
			req.ResponseFormat.Type = c.format
			got, _, err := talk(t.Context(), open(t, c.cfg), req)
			if err != nil || strings.Join(got, "") != c.want {
				t.Errorf("got %q, %v", strings.Join(got, ""), err)
			}
		})
	}
	if _, _, err := talk(t.Context(), open(t, Config{Takes: &Takes{Formats: new(false)}}), func() *llm.Request {
		req := request("hello")
		req.ResponseFormat.Type = llm.FormatJSONObject
		return req
	}()); !fault.Is(err, fault.Unsupported) {
		t.Errorf("an echo that takes no formats: %v", err)
	}
}
