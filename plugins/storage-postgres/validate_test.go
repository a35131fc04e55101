package pgstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
)

func TestConfig_Validate(t *testing.T) {
	cfg := config("postgres://u:s3cret@h/d?sslmode=maybe")
	cfg.Schema, cfg.PoolSize, cfg.ListenDSN = "pg_x", 0, "host='s3cret"
	var paths []string
	for _, f := range sdk.Problems(cfg.Validate(sdk.Env{})) {
		paths = append(paths, f.Path.String())
		if strings.Contains(f.Message, "s3cret") {
			t.Errorf("the problem tells a secret: %s", f.Message)
		}
	}
	if want := []string{"schema", "pool_size", "dsn", "listen_dsn"}; !slices.Equal(paths, want) {
		t.Errorf("problems at %q; want %q", paths, want)
	}
	good := config("postgres://u@h.invalid/d")
	if err := good.Validate(sdk.Env{}); err != nil {
		t.Error(err)
	}
}
