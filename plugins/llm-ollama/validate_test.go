package ollama

import (
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk"
)

func TestConfig_Validate(t *testing.T) {
	cfg := Config{Model: "", BaseURL: "ftp://h", Think: 1.0, Seed: new(1), Options: Options{Seed: new(1), Stop: []string{""}}}
	var paths []string
	for _, f := range sdk.Problems(cfg.Validate(sdk.Env{})) {
		paths = append(paths, f.Path.String())
	}
	if want := []string{"model", "base_url", "think", "options.stop", "seed"}; !slices.Equal(paths, want) {
		t.Errorf("problems at %q; want %q", paths, want)
	}
	if err := (&Config{Model: "m"}).Validate(sdk.Env{}); err != nil {
		t.Error(err)
	}
}
