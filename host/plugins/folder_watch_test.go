package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestFolderWatch_foldersComeAndGo checks that the watch finds changes that cause no file
// system event.
func TestFolderWatch_foldersComeAndGo(t *testing.T) {
	for name, unwatched := range map[string]bool{"watched": false, "unwatched": true} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dir, file := filepath.Join(top, "plugins"), filepath.Join(top, "plugins", "botyard-llm-test")
			make := func(mark string) {
				t.Helper()
				must(t, os.Mkdir(dir, 0o755))
				putPlugin(t, dir, "test", mark)
			}
			h := newHost(t, hostOptions{
				options: func(o *Options) { o.Dirs = []string{dir} },
				timing:  func(tm *timing) { tm.pollOnly = unwatched },
			})
			runs := func(mark string) {
				t.Helper()
				var version string
				eventually(t, 20*time.Second, mark+" runs", func() bool {
					i, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Config: []byte(`{}`)})
					if err != nil {
						return false
					}
					defer i.Close()
					version = i.Plugin().Version
					return version == "0-"+mark
				})
			}
			gone := func() {
				t.Helper()
				eventually(t, 20*time.Second, "it is gone", func() bool { return len(h.Known("llm")) == 0 })
			}
			make("one") // the folder did not exist when the host started
			runs("one")
			must(t, os.RemoveAll(dir))
			gone()
			make("two")
			runs("two")
			must(t, os.Rename(dir, dir+"-away"))
			make("three") // another folder replaces the first one
			runs("three")
			must(t, os.Remove(file), os.Symlink("../four", file))
			putPlugin(t, top, "x", "four")
			must(t, os.Rename(filepath.Join(top, "botyard-llm-x"), filepath.Join(top, "four")))
			runs("four")
			putPlugin(t, top, "x", "five") // another file replaces the target of the link
			must(t, os.Rename(filepath.Join(top, "botyard-llm-x"), filepath.Join(top, "four")))
			runs("five")
		})
	}
}
