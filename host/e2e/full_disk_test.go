package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// fullFor is how long a disk stays full.
const fullFor = 4 * time.Second

// smallDisk mounts a file system of the given size and returns its folder. It skips the test if it may not
// mount one.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := pgtest.Folder(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill fills the disk. The returned function frees the space again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		n, err := f.Write(block)
		if errors.Is(err, syscall.ENOSPC) {
			block = block[:min(n, len(block)/2)]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func TestFullDisk_sqlite(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "32m")
	host := start(t, "data_dir = \""+dir+"\"\n"+onSQLite, nil)
	f := &fleet{t: t, hosts: []*hostProcess{host}, front: host}
	f.survives(t, "full", 0, func(t *testing.T, _ *load) []*hostProcess {
		free := fill(t, dir)
		time.Sleep(fullFor)
		free()
		if !f.logged("is full") {
			t.Error("the host did not notice that the disk is full")
		}
		return f.hosts
	})
}

func TestFullDisk_postgres(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "96m")
	c := pgtest.For(t, pgtest.Options{Dir: dir, Small: true})
	f := startFleet(t, c, 3)
	f.survives(t, "full", 0, func(t *testing.T, _ *load) []*hostProcess {
		free := fill(t, dir)
		noticed := false
		for end := time.Now().Add(fullFor); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			said := c.Log()
			noticed = noticed || strings.Contains(said, "No space left") || strings.Contains(said, "free disk space")
		}
		if !noticed {
			t.Errorf("the server did not notice that the disk is full:\n%s", c.Log())
		}
		free()
		pgtest.Check(t, c.StartAgain(t.Context())) // the server may have stopped
		return f.hosts
	})
}
