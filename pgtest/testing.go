package pgtest

import (
	"errors"
	"os"
	"testing"
)

// For starts a cluster for a test and closes it after the test. It skips the test if the options need
// something that the existing server cannot do.
func For(t testing.TB, opts Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), opts)
	Check(t, err)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the cluster: %v", err)
		}
	})
	return c
}

// Check fails the test for an error of this package, and skips it for ErrForeign.
func Check(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrForeign):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// Folder makes an empty folder for Options.Dir, which is removed after the test.
// Unlike those of T.TempDir, other users may enter it.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := home()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
