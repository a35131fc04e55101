package schema

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

type overridden struct {
	Model   string         `json:"model" jsonschema:"required"`
	Heat    *float64       `json:"heat,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=2"`
	Size    int            `json:"size,omitempty" botyard:"override" jsonschema:"minimum=0"`
	Effort  string         `json:"effort,omitempty" botyard:"override" jsonschema:"enum=low,enum=high"`
	Wait    time.Duration  `json:"wait,omitempty" botyard:"override"`
	Options map[string]any `json:"options,omitempty" botyard_keys:"seed=tenant,override stop=tenant"`
	Nested  struct {
		Deep bool   `json:"deep,omitempty" botyard:"override"`
		Key  string `json:"key,omitempty" botyard:"secret"`
	} `json:"nested,omitempty"`
}

func TestOverride(t *testing.T) {
	heat := 1.5
	base := overridden{Model: "m", Heat: &heat, Size: 7, Options: map[string]any{"seed": 1.0, "stop": "x"}}
	base.Nested.Deep, base.Nested.Key = true, "k"
	got, err := Override(base, []byte(`{"heat":0,"size":0,"effort":"high","wait":1.5,"options":{"seed":0},"nested":{"deep":false}}`))
	if err != nil {
		t.Fatal(err)
	}
	zero := 0.0
	want := overridden{Model: "m", Heat: &zero, Effort: "high", Wait: 1500 * time.Millisecond, Options: map[string]any{"seed": 0.0, "stop": "x"}}
	want.Nested.Key = "k"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if heat != 1.5 || base.Options["seed"] != 1.0 || !base.Nested.Deep {
		t.Errorf("the configuration itself has changed: %+v", base)
	}
}

// beyond: overrides of a request
func TestOverride_refuses(t *testing.T) {
	for name, c := range map[string]struct{ overrides, path string }{
		"an unknown key":       {`{"modle":1}`, "overrides.modle"},
		"a key without a mark": {`{"model":"x"}`, "overrides.model"},
		"a key of a map":       {`{"options":{"stop":"y"}}`, "overrides.options.stop"},
		"a nested key":         {`{"nested":{"key":"y"}}`, "overrides.nested.key"},
		"a block":              {`{"nested":1}`, "overrides.nested"},
		"below the minimum":    {`{"size":-1}`, "overrides.size"},
		"above the maximum":    {`{"heat":3}`, "overrides.heat"},
		"not of the enum":      {`{"effort":"medium"}`, "overrides.effort"},
		"null":                 {`{"size":null}`, "overrides.size"},
		"a wrong type":         {`{"size":"many"}`, "overrides.size"},
		"no object":            {`[1]`, "overrides"},
		"no JSON":              {`{`, "overrides"},
		"too much":             {`{"effort":"` + strings.Repeat("x", MaxOverridesBytes) + `"}`, "overrides"},
	} {
		t.Run(name, func(t *testing.T) {
			base := overridden{Model: "m", Size: 7}
			got, err := Override(base, []byte(c.overrides))
			if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path.String() != c.path || f.Party != fault.PartyCaller {
				t.Errorf("got %+v, %v; want a refusal at %s", got, err, c.path)
			}
		})
	}
}
