package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

type connection struct {
	Host     string `json:"host" jsonschema:"required" botyard:"endpoint"`
	Port     int    `json:"port" jsonschema:"default=5432,minimum=1,maximum=65535"`
	Password string `json:"password" botyard:"secret"`
}

type example struct {
	Model      string            `json:"model" jsonschema:"required" jsonschema_description:"The model."`
	Connection connection        `json:"connection"`
	PoolSize   int               `json:"pool_size" jsonschema:"default=20"`
	Ratio      float64           `json:"ratio" jsonschema:"default=0.5"`
	On         bool              `json:"on" jsonschema:"default=true"`
	Options    map[string]any    `json:"options"`
	Peers      []connection      `json:"peers"`
	Labels     map[string]string `json:"labels"`
}

func TestOf(t *testing.T) {
	raw, err := Of[example]()
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Required             []string
		AdditionalProperties any
		Properties           map[string]struct {
			Type, Description    string
			Default              any
			AdditionalProperties any
			Properties           map[string]map[string]any
			Items                struct {
				Properties map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Required) != 1 || s.Required[0] != "model" || s.AdditionalProperties != false || s.Properties["model"].Description != "The model." {
		t.Errorf("schema %s", raw)
	}
	for where, props := range map[string]map[string]map[string]any{
		"object": s.Properties["connection"].Properties, "list": s.Properties["peers"].Items.Properties,
	} {
		if props["password"][SecretKeyword] != true || props["host"][EndpointKeyword] != true || props["port"][SecretKeyword] != nil {
			t.Errorf("%s: marks are missing: %v", where, props)
		}
	}
	if s.Properties["pool_size"].Default != 20.0 || s.Properties["connection"].AdditionalProperties != false {
		t.Errorf("schema %s", raw)
	}
	if _, err := Of[int](); err == nil {
		t.Error("an int is no configuration")
	}
	if _, err := Of[struct {
		A string `json:"a" botyard:"secert"`
	}](); err == nil || !strings.Contains(err.Error(), "secert") {
		t.Errorf("a misspelt mark: %v", err)
	}
}

func TestDecode(t *testing.T) {
	raw, err := Of[example]()
	if err != nil {
		t.Fatal(err)
	}
	var e example
	if err := Decode(raw, []byte(`{"model":"m","connection":{"host":"h"},"on":false,"options":{"x":1}}`), &e); err != nil {
		t.Fatal(err)
	}
	if e.Model != "m" || e.PoolSize != 20 || e.Ratio != 0.5 || e.On || e.Connection.Port != 5432 || e.Connection.Host != "h" {
		t.Errorf("decoded %+v", e)
	}
	for config, path := range map[string]string{
		`{"nope":1}`:                       "",
		`{"pool_size":"many"}`:             "pool_size",
		`{"connection":{"port":"p"}}`:      "connection.port",
		`{"connection":{"passwort":"s3"}}`: "",
	} {
		t.Run(config, func(t *testing.T) {
			err := Decode(raw, []byte(config), &example{})
			if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path.String() != path || f.Party != fault.PartyTenant || strings.Contains(f.Error(), "s3") {
				t.Error(err)
			}
		})
	}
}

func TestOf_expectedWords(t *testing.T) {
	type config struct {
		Name string `json:"name" jsonschema:"pattern=^[a-z]+$" botyard_expected:"small letters"`
	}
	s, err := Of[config]()
	if err != nil || !strings.Contains(string(s), `"x-botyard-expected":"small letters"`) {
		t.Errorf("%v: %s", err, s)
	}
}

func TestOf_authorMarks(t *testing.T) {
	raw, err := Of[struct {
		Top     int        `json:"top" botyard:"lower-only,zero-unlimited"`
		Name    string     `json:"name" botyard:"tenant"`
		Options connection `json:"options" botyard:"operator-only"`
		Key     string     `json:"key" botyard:"secret,tenant"`

		Free map[string]any `json:"free" botyard:"operator-only" botyard_keys:"a=tenant b=operator-only"`
	}]()
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ Properties map[string]map[string]any }
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	for key, keywords := range map[string][]string{
		"top": {LowerKeyword, UnlimitedKeyword}, "name": {TenantKeyword}, "options": {OperatorKeyword}, "key": {SecretKeyword, TenantKeyword},
	} {
		for _, keyword := range keywords {
			if s.Properties[key][keyword] != true {
				t.Errorf("%s is not marked %s", key, keyword)
			}
		}
	}
	free, _ := s.Properties["free"]["properties"].(map[string]any)
	for key, keyword := range map[string]string{"a": TenantKeyword, "b": OperatorKeyword} {
		if of, _ := free[key].(map[string]any); len(of) != 1 || of[keyword] != true {
			t.Errorf("free.%s is marked %v", key, of)
		}
	}
	for name, of := range map[string]func() ([]byte, error){
		"keys of a text": Of[struct {
			A string `json:"a" botyard_keys:"x=tenant"`
		}],
		"an unknown word for a key": Of[struct {
			A map[string]any `json:"a" botyard_keys:"x=tenants"`
		}],
		"two authors": Of[struct {
			A int `json:"a" botyard:"tenant,lower-only"`
		}],
		"a text that is lower": Of[struct {
			A string `json:"a" botyard:"lower-only"`
		}],
		"unlimited alone": Of[struct {
			A int `json:"a" botyard:"zero-unlimited"`
		}],
		"a tenant's endpoint": Of[struct {
			A string `json:"a" botyard:"endpoint,tenant"`
		}],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := of(); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestOf_pluginBlock(t *testing.T) {
	type config struct {
		Embedder PluginBlock `json:"embedder" jsonschema:"required" botyard:"plugin=llm,role=embedding"`
	}
	raw, err := Of[config]()
	if err != nil {
		t.Fatal(err)
	}
	if want := `"embedder":{"properties":{},"type":"object","x-botyard-plugin":"llm","x-botyard-role":"embedding"}`; !strings.Contains(string(raw), want) {
		t.Errorf("%s is not in %s", want, raw)
	}
	var c config
	if err := Decode(raw, []byte(`{}`), &c); err != nil {
		t.Errorf("a configuration without the nested block: %v", err)
	}
	for name, of := range map[string]func() ([]byte, error){
		"a block without words": Of[struct {
			A PluginBlock `json:"a"`
		}],
		"a block without a role": Of[struct {
			A PluginBlock `json:"a" botyard:"plugin=llm"`
		}],
		"words for a text": Of[struct {
			A string `json:"a" botyard:"plugin=llm,role=embedding"`
		}],
		"an unknown word": Of[struct {
			A PluginBlock `json:"a" botyard:"plugin=llm,rule=embedding"`
		}],
		"a secret block": Of[struct {
			A PluginBlock `json:"a" botyard:"plugin=llm,role=embedding,secret"`
		}],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := of(); err == nil {
				t.Error("no error")
			}
		})
	}
}
