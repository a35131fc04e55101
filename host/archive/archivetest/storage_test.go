package archivetest

import (
	"context"
	"testing"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStorage_conformance(t *testing.T) {
	open := func(context.Context) (storage.Storage, error) { return &Storage{}, nil }
	if err := storagetest.Test(t.Context(), open, storagetest.Short()); err != nil {
		t.Error(err)
	}
}
