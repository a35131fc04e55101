package sqlitestore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
)

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	open := func(context.Context) (storage.Storage, error) {
		return Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: dir})
	}
	opts := []storagetest.Option{
		storagetest.Features(feature.Retract), storagetest.Durable(), storagetest.Peers(open, open),
		report(t),
	}
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	if err := storagetest.Test(t.Context(), open, opts...); err != nil {
		t.Fatal(err)
	}
}

// TestPlugin_conformance runs the conformance kit over gRPC, with three plugin processes that share
// one database file.
func TestPlugin_conformance(t *testing.T) {
	if testing.Short() {
		t.Skip("TestConformance_storages of host/e2e runs the kit over processes")
	}
	dir := t.TempDir()
	err := storagetest.Test(t.Context(), served(t, dir), report(t), storagetest.Short(), storagetest.Features(feature.Retract),
		storagetest.Peers(served(t, dir), served(t, dir)))
	if err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T) storagetest.Option {
	return storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
		if errors.Is(err, storagetest.ErrSkip) && r.Name[:7] != "restart" {
			t.Errorf("%s was left out", r.Name)
		}
		t.Logf("%-20s %6d ms  %s", r.Name, took.Milliseconds(), word(err))
	})
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
