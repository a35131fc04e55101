package memstore

import (
	"context"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	open := func(context.Context) (storage.Storage, error) { return New(Config{}), nil }
	opts := []storagetest.Option{
		storagetest.Features(feature.Retract),
		storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
			t.Logf("%-20s %6.0f ms  %v", r.Name, float64(took.Milliseconds()), err == nil)
		}),
	}
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	if err := storagetest.Test(t.Context(), open, opts...); err != nil {
		t.Fatal(err)
	}
}
