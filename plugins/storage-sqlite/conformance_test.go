package sqlitestore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	open := func(context.Context) (storage.Storage, error) {
		return Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: dir})
	}
	opts := []storagetest.Option{
		storagetest.Durable(), storagetest.Peers(open, open),
		storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
			t.Logf("%-20s %6.0f ms  %s", r.Name, float64(took.Milliseconds()), word(err))
		}),
	}
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	if err := storagetest.Test(t.Context(), open, opts...); err != nil {
		t.Fatal(err)
	}
}

func word(err error) string {
	switch {
	case err == nil:
		return "kept"
	case errors.Is(err, storagetest.ErrSkip):
		return "skipped"
	}
	return "broken"
}
