package storagekit_test

import (
	"context"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
	"github.com/botyard/botyard/sdk/storagetest"
)

// TestStore_conformance checks all rules for storages over the DB in memory.
func TestStore_conformance(t *testing.T) {
	db := memdb.New(memdb.Options{})
	open := func(context.Context) (storage.Storage, error) { return storagekit.New(db, storagekit.Options{}), nil }
	opts := []storagetest.Option{
		storagetest.Lease(200 * time.Millisecond), storagetest.Peers(open), storagetest.Features(feature.Retract),
		storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
			t.Logf("%-20s %6.0f ms  %v", r.Name, float64(took.Milliseconds()), err == nil)
		}),
	}
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	if err := storagetest.Test(t.Context(), open, opts...); err != nil {
		t.Error(err)
	}
}
