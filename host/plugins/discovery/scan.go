package discovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/botyard/botyard/host/trust"
	"github.com/hashicorp/go-hclog"
)

// Scanner finds plugins in folders and decides which files may be run. Its fields must be
// set before its first use. Afterwards a Scanner is safe for concurrent use.
type Scanner struct {
	// Dirs are the plugin folders. If two folders have the same plugin, Scan takes the
	// plugin of the folder that is earlier in Dirs.
	Dirs []string
	// Owners are the users whose files may be run.
	Owners trust.Owners
	// PinnedSHA256 returns the checksum that the operator has configured for the plugin's
	// file. It returns an empty string if the operator has configured no checksum.
	PinnedSHA256 func(Ref) string
	Log          hclog.Logger

	sums checksums
}

// Scan reads the plugin folders. The result also contains files that must not be run, each
// with a Refusal, so that an error about such a plugin can give the reason.
//
// before is the result of the previous scan. If the system temporarily cannot read a file
// or folder, Scan copies the entries of that file or folder from before. Then incomplete is
// true, and the caller should scan again soon.
func (s *Scanner) Scan(before map[Ref]*Binary) (found map[Ref]*Binary, incomplete bool) {
	found = map[Ref]*Binary{}
	for _, dir := range s.Dirs {
		entries, err := os.ReadDir(dir)
		if IsTransient(err) {
			s.Log.Warn("plugin folder cannot be read now; its plugins are taken to be as they were", "dir", dir, "error", err)
			incomplete = true
			for r, b := range before {
				if _, ok := found[r]; !ok && filepath.Dir(b.Path) == filepath.Clean(dir) {
					found[r] = b
				}
			}
			continue
		}
		if err != nil {
			// A missing folder contains no plugins. The operator may create the folder
			// later.
			level := s.Log.Error
			if errors.Is(err, fs.ErrNotExist) {
				level = s.Log.Warn
			}
			level("plugin folder", "dir", dir, "error", err)
			continue
		}
		folder := s.inspectFolder(dir)
		for _, e := range entries {
			r, ok := refOf(e.Name())
			if !ok {
				continue
			}
			b := &Binary{Ref: r, Path: filepath.Join(dir, e.Name())}
			if first, ok := found[r]; ok {
				s.Log.Warn("plugin is in two folders; the first is used", "used", first.Path, "ignored", b.Path)
				continue
			}
			found[r] = b
			b.SHA256, b.Refusal = s.inspect(b, folder, s.PinnedSHA256(r))
			if IsTransient(b.Refusal) {
				incomplete = true
				if was := before[r]; was != nil && was.Path == b.Path {
					found[r] = was
				}
			}
		}
	}
	return found, incomplete
}

// MissingFolders returns those of the plugin folders that do not exist.
func (s *Scanner) MissingFolders() (missing []string) {
	for _, dir := range s.Dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, dir)
		}
	}
	return missing
}
