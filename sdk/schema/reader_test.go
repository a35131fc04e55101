package schema

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// apart is a struct without fields, so that a Reader reads no value for it. Its schema is that of a
// map.
type apart struct{}

func (apart) JSONSchemaAlias() any { return map[string]connection{} }

type settings struct {
	Name   string                           `json:"name" jsonschema:"default=n" jsonschema_description:"The host's 'name', not '/v1/*'."`
	Wait   time.Duration                    `json:"wait" jsonschema:"default=1.5,maximum=9"`
	Count  int                              `json:"count"`
	Large  int64                            `json:"large"`
	Ratio  float64                          `json:"ratio"`
	On     bool                             `json:"on" jsonschema:"default=true"`
	Dirs   []string                         `json:"dirs" jsonschema:"default=a,default=b"`
	Nested struct{ A, B int }               `json:"nested" botyard:"open"`
	Blocks map[string]map[string]connection `json:"blocks"`
	Apart  apart                            `json:"apart" botyard:"open" botyard_names:"^[a-z]+$"`
	//lint:ignore U1000 it is here to be left out
	private int
	Ignored int `json:"-"`
}

func TestReader_Read(t *testing.T) {
	r, err := NewReader[settings]()
	if err != nil {
		t.Fatal(err)
	}
	byDefault := settings{Name: "n", Wait: 1500 * time.Millisecond, On: true, Dirs: []string{"a", "b"}}
	for name, c := range map[string]struct {
		tree map[string]any
		want func(*settings)
	}{
		"nothing":        {nil, func(*settings) {}},
		"another type":   {map[string]any{"name": int64(1), "count": "x", "on": "x", "nested": "x", "blocks": "x", "dirs": "x"}, func(s *settings) { s.Name, s.On, s.Dirs = "", false, nil }},
		"whole seconds":  {map[string]any{"wait": int64(2)}, func(s *settings) { s.Wait = 2 * time.Second }},
		"parts of one":   {map[string]any{"wait": 0.25}, func(s *settings) { s.Wait = 250 * time.Millisecond }},
		"numbers":        {map[string]any{"count": int64(3), "large": int64(4), "ratio": int64(5)}, func(s *settings) { s.Count, s.Large, s.Ratio = 3, 4, 5 }},
		"off":            {map[string]any{"on": false}, func(s *settings) { s.On = false }},
		"an empty list":  {map[string]any{"dirs": []any{}}, func(s *settings) { s.Dirs = nil }},
		"a nested key":   {map[string]any{"nested": map[string]any{"B": int64(2)}}, func(s *settings) { s.Nested.B = 2 }},
		"a map of maps":  {map[string]any{"blocks": map[string]any{"k": map[string]any{"n": map[string]any{"host": "h"}}}}, func(s *settings) { s.Blocks = map[string]map[string]connection{"k": {"n": {Host: "h", Port: 5432}}} }},
		"what is apart":  {map[string]any{"apart": map[string]any{"x": map[string]any{"host": "h"}}}, func(*settings) {}},
		"an unknown key": {map[string]any{"nope": "x", "Ignored": int64(1), "private": int64(1)}, func(*settings) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := byDefault
			c.want(&want)
			if got := r.Read(c.tree); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestReader_Schema(t *testing.T) {
	r, err := NewReader[settings]()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"\"description\":\"The host's `name`, not `/v1/*`.\"",
		`"wait":{"type":"number","maximum":9,"default":1.5}`,
		`"nested":{"properties":{"A":{"type":"integer"},"B":{"type":"integer"}},"type":"object"}`,
		`"x-botyard-secret":true`, `"propertyNames":{"pattern":"^[a-z]+$"}`,
	} {
		if !strings.Contains(string(r.Schema()), part) {
			t.Errorf("%s is not in %s", part, r.Schema())
		}
	}
	want := map[string]any{"name": "n", "wait": 1.5, "on": true, "dirs": []any{"a", "b"}}
	if got := r.Defaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("defaults are %v", got)
	}
}

func TestNewReader_refusesTypes(t *testing.T) {
	for name, err := range map[string]error{
		"a list of lists": errOf[struct{ A [][]string }](),
		"any value":       errOf[struct{ A any }](),
		"no struct":       errOf[string](),
		"a wrong word": errOf[struct {
			A string `json:"a" botyard:"secert"`
		}](),
	} {
		t.Run(name, func(t *testing.T) {
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

func errOf[C any]() error {
	_, err := NewReader[C]()
	return err
}
