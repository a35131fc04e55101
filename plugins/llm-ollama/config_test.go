package ollama

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
)

func decode(t *testing.T, block string) (Config, error) {
	t.Helper()
	var cfg Config
	err := schema.Decode(Plugin().Info.ConfigSchema, []byte(block), &cfg)
	return cfg, err
}

func TestConfig_defaults(t *testing.T) {
	cfg, err := decode(t, `{"model":"gemma3:1b"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{BaseURL: defaultBaseURL, Model: "gemma3:1b", Parallel: defaultParallel, PullTimeout: defaultPull}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("defaults %+v, want %+v", cfg, want)
	}
	filled, err := cfg.settings()
	if err != nil {
		t.Fatal(err)
	}
	empty, err := Config{Model: "gemma3:1b"}.settings()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(filled, empty) {
		t.Errorf("the schema's defaults %+v differ from the code's %+v", filled, empty)
	}
}

func TestConfig_decode(t *testing.T) {
	cfg, err := decode(t, `{"base_url":"https://o/x","api_key":"k","model":"m","embedding_model":"e","keep_alive":-1,"think":true,
		"options":{"temperature":0.5,"num_ctx":8192,"seed":7,"stop":["a"]},"truncate":false}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg); err != nil {
		t.Error(err)
	}
	if cfg.KeepAlive != -1.0 || cfg.Think != true || *cfg.Options.NumCtx != 8192 || *cfg.Truncate {
		t.Errorf("got %+v", cfg)
	}
	for _, block := range []string{`{"model":"m","temprature":1}`, `{"model":"m","options":{"num_ctxt":1}}`, `{"model":"m","options":{"num_ctx":"many"}}`, `{"model":"m","options":{"stop":"END"}}`} {
		if _, err := decode(t, block); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", block, err)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Config)
		path    string
		message string
	}{
		"no model":                    {func(c *Config) { c.Model = "" }, "model", "gemma3:1b"},
		"a base_url without scheme":   {func(c *Config) { c.BaseURL = "localhost:11434" }, "base_url", "expected http://"},
		"a base_url of FTP":           {func(c *Config) { c.BaseURL = "ftp://localhost" }, "base_url", "expected http://"},
		"a base_url without host":     {func(c *Config) { c.BaseURL = "http://" }, "base_url", "a host"},
		"a base_url with a port only": {func(c *Config) { c.BaseURL = "http://:80" }, "base_url", "a host"},
		"a base_url with a password":  {func(c *Config) { c.BaseURL = "http://u:s3cret@h" }, "base_url", "api_key"},
		"a base_url that is no URL":   {func(c *Config) { c.BaseURL = "http://u:s3cret@h\x7f" }, "base_url", "no URL"},
		"a base_url with a query":     {func(c *Config) { c.BaseURL = "http://h/?a=b" }, "base_url", "query"},
		"an api_key of two lines":     {func(c *Config) { c.APIKey = "s3cret\nx" }, "api_key", "header"},
		"a keep_alive in words":       {func(c *Config) { c.KeepAlive = "soon" }, "keep_alive", "5m"},
		"a boolean keep_alive":        {func(c *Config) { c.KeepAlive = true }, "keep_alive", "5m"},
		"a huge keep_alive":           {func(c *Config) { c.KeepAlive = 1e300 }, "keep_alive", "5m"},
		"a think in words":            {func(c *Config) { c.Think = "deeply" }, "think", "high"},
		"a number as think":           {func(c *Config) { c.Think = 1.0 }, "think", "high"},
		"an empty stop":               {func(c *Config) { c.Stop = []string{"END", ""} }, "stop", "empty text"},
		"an empty stop of options":    {func(c *Config) { c.Options.Stop = []string{""} }, "options.stop", "empty text"},
		"no tokens":                   {func(c *Config) { c.MaxTokens = new(0) }, "max_tokens", "at least 1"},
		"two temperatures":            {func(c *Config) { c.Temperature, c.Options.Temperature = new(float32(0)), new(float32(1)) }, "temperature", "options.temperature"},
		"two values of top_p":         {func(c *Config) { c.TopP, c.Options.TopP = new(float32(0)), new(float32(1)) }, "top_p", "options.top_p"},
		"two limits":                  {func(c *Config) { c.MaxTokens, c.Options.NumPredict = new(5), new(5) }, "max_tokens", "options.num_predict, which is set too; set one of the two"},
		"two lists of stops":          {func(c *Config) { c.Stop, c.Options.Stop = []string{}, []string{"END"} }, "stop", "options.stop"},
		"two seeds":                   {func(c *Config) { c.Seed, c.Options.Seed = new(0), new(0) }, "seed", "options.seed"},
		"a number beyond JSON":        {func(c *Config) { c.Temperature = new(float32(math.Inf(1))) }, "options", "no JSON"},
		"two mistakes":                {func(c *Config) { c.Model, c.Think = "", 1.0 }, "model", "gemma3:1b"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Model: "m"}
			c.change(&cfg)
			_, err := New(cfg)
			f := fault.Of(err)
			if f == nil || f.Class != fault.Invalid || f.Path.String() != c.path || f.Party != fault.PartyTenant || !strings.Contains(f.Message, c.message) {
				t.Fatal(err)
			}
			if strings.Contains(f.Message, "s3cret") {
				t.Errorf("the message tells a secret: %s", f.Message)
			}
		})
	}
}
