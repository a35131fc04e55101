package schema

import (
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func TestDecode_seconds(t *testing.T) {
	type config struct {
		Wait  time.Duration `json:"wait" jsonschema:"default=2.5"`
		Inner []struct {
			Wait *time.Duration `json:"wait"`
		} `json:"inner"`
		Named map[string]time.Duration `json:"named"`
		Note  string                   `json:"note"`
	}
	raw, err := Of[config]()
	if err != nil {
		t.Fatal(err)
	}
	var c config
	if err := Decode(raw, []byte(`{"inner":[{"wait":0.5}],"named":{"a":3,"b":1e-3},"note":"<1>"}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Wait != 2500*time.Millisecond || *c.Inner[0].Wait != 500*time.Millisecond || c.Named["a"] != 3*time.Second || c.Named["b"] != time.Millisecond || c.Note != "<1>" {
		t.Errorf("decoded %+v", c)
	}
	for _, text := range []string{`{"wait":"1"}`, `{"wait":1e300}`, `{"wait":1e30000}`, `{"wait":true}`, `{"other":1}`} {
		t.Run(text, func(t *testing.T) {
			if f := fault.Of(Decode(raw, []byte(text), &config{})); f == nil || f.Class != fault.Invalid {
				t.Error(f)
			}
		})
	}
}
