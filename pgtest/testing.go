package pgtest

import (
	"errors"
	"os"
	"testing"
)

// For starts a cluster for a test and closes it after the test. If the options exclude the existing server
// that ForeignEnv names, For skips the test.
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

// Check fails the test if err is not nil. If err is ErrForeign, Check skips the test instead.
func Check(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrForeign):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// Folder creates an empty folder for Options.Dir and removes the folder after the test. Other users may
// enter this folder, which is not so for a folder of T.TempDir.
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
