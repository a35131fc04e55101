package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// kinds are the kinds of plugins that this host knows.
var kinds = []string{llm.Kind, memory.Kind, storage.Kind}

// fileName is what a plugin's file is called. It has no dot: half-copied and
// backup files have one.
var fileName = regexp.MustCompile(`^botyard-(` + strings.Join(kinds, "|") + `)-([a-z0-9]+(?:[-_][a-z0-9]+)*)$`)

// IsPluginFile reports whether a file of that name in a plugin folder is a plugin's.
func IsPluginFile(name string) bool { return fileName.MatchString(name) }

// binary is a plugin's file as it was found.
type binary struct {
	ref
	path string
	sum  string // SHA-256, lower-case hex; empty when it could not be read
	// refusal is why the file must not be run; nil if it may.
	refusal error
}

// discover looks through the folders. A file that must not be run is found too,
// so that whoever asks for the plugin learns why there is none. What the system
// does not let it see now is taken to be as it was before, and unsure is true.
func (m *Manager) discover() (found map[ref]*binary, unsure bool) {
	found = map[ref]*binary{}
	before := m.snapshot()
	for _, dir := range m.opts.Dirs {
		entries, err := os.ReadDir(dir)
		if scarce(err) {
			m.log.Warn("plugin folder cannot be read now; its plugins are taken to be as they were", "dir", dir, "error", err)
			unsure = true
			for r, b := range before {
				if _, ok := found[r]; !ok && filepath.Dir(b.path) == filepath.Clean(dir) {
					found[r] = b
				}
			}
			continue
		}
		if err != nil {
			// A missing folder is a plugin-less one; it may come later.
			level := m.log.Error
			if errors.Is(err, fs.ErrNotExist) {
				level = m.log.Warn
			}
			level("plugin folder", "dir", dir, "error", err)
			continue
		}
		folder := m.lookAt(dir)
		for _, e := range entries {
			match := fileName.FindStringSubmatch(e.Name())
			if match == nil {
				continue
			}
			b := &binary{ref: ref{match[1], match[2]}, path: filepath.Join(dir, e.Name())}
			if first, ok := found[b.ref]; ok {
				m.log.Warn("plugin is in two folders; the first is used", "used", first.path, "ignored", b.path)
				continue
			}
			found[b.ref] = b
			b.refusal = m.judge(b, folder, m.opts.settings(b.ref).SHA256)
			if scarce(b.refusal) {
				unsure = true
				if was := before[b.ref]; was != nil && was.path == b.path {
					found[b.ref] = was
				}
			}
		}
	}
	return found, unsure
}

// snapshot is what the last scan found.
func (m *Manager) snapshot() map[ref]*binary {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.binaries // replaced as a whole, never changed
}

// folder is what a plugin folder says of all files in it.
type folder struct {
	lock lockFile
	err  error // why none of them may be run
}

func (m *Manager) lookAt(dir string) folder {
	lock, err := readLockFile(dir)
	return folder{lock, errors.Join(m.opts.Owners.Unchangeable(dir), err)}
}

// judge fills in the sum of b and says why it must not be run, if so. The pin is the
// sum that the operator wants; empty is any.
func (m *Manager) judge(b *binary, f folder, pin string) error {
	err := f.err
	if err == nil {
		err = m.inspect(b, f.lock, pin)
	}
	if err != nil {
		return fmt.Errorf("plugin %s is refused: %w", b.path, err)
	}
	return nil
}

// admit says why the file must not be started now, if so. It was found to be good
// before: since then it may have become another, and so may what the operator says.
func (m *Manager) admit(b *binary, pin string) error {
	now := &binary{ref: b.ref, path: b.path}
	if err := m.judge(now, m.lookAt(filepath.Dir(b.path)), pin); err != nil {
		return err
	}
	if now.sum != b.sum {
		return fmt.Errorf("%s changed on disk: its SHA-256 was %s and is %s", b.path, b.sum, now.sum)
	}
	return nil
}

// inspect fills in the sum of b and says why it must not be run, if so.
func (m *Manager) inspect(b *binary, lock lockFile, pin string) error {
	info, err := os.Stat(b.path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Mode().Perm()&0o111 == 0:
		return errors.New("it is not executable (chmod +x)")
	}
	// Else somebody could run code as the host.
	if err := m.opts.Owners.Unchangeable(b.path); err != nil {
		return err
	}
	c, err := m.sums.of(b.path)
	if err != nil {
		return err
	}
	b.sum = c.sum
	if want := strings.ToLower(pin); want != "" && want != b.sum {
		return fmt.Errorf("its SHA-256 is %s, and the host's configuration says %s", b.sum, want)
	}
	return lock.check(filepath.Dir(b.path), filepath.Base(b.path), b.sum)
}

// missingFolders names the plugin folders that are not there.
func (m *Manager) missingFolders() (missing []string) {
	for _, dir := range m.opts.Dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, dir)
		}
	}
	return missing
}
