package tenantdir

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/secret"
	"github.com/hashicorp/go-hclog"
)

// Store keeps the last good document of each tenant, sealed with the host's key,
// since documents may hold secrets. A nil Store keeps nothing.
type Store struct {
	dir string
	key *secret.Key
	log hclog.Logger

	writing sync.Mutex // one file at a time: writers of one folder only get into each other's way
}

// kept is one document as it was read.
type kept struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	Source []byte `json:"source"`
	// Secrets are the texts in it that were known to be secret. They stay so though a later
	// version of the plugin does not mark them.
	Secrets []config.Path `json:"secrets,omitempty"`
}

// OpenStore makes the folder if it is not there.
func OpenStore(dir string, key *secret.Key, log hclog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Store{dir: dir, key: key, log: log}, nil
}

// maxKept is above what the document of a tenant file takes, sealed.
const maxKept = 8 << 20

const sealedExt = ".sealed"

func (s *Store) path(id string) string { return filepath.Join(s.dir, id+sealedExt) }

// put writes a whole file or none.
func (s *Store) put(k kept) error {
	if s == nil {
		return nil
	}
	if old, ok := s.get(k.ID); ok && old.Path == k.Path && string(old.Source) == string(k.Source) && slices.EqualFunc(old.Secrets, k.Secrets, slices.Equal[config.Path]) {
		return nil
	}
	plain, err := json.Marshal(k)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	tmp, err := os.CreateTemp(s.dir, ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(s.key.Seal(plain, []byte(k.ID)))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.path(k.ID))
}

// get answers false for what is not there, or cannot be read, which is logged.
func (s *Store) get(id string) (kept, bool) {
	var k kept
	if s == nil {
		return k, false
	}
	sealed, err := readfile.Read(context.Background(), s.path(id), maxKept)
	if errors.Is(err, fs.ErrNotExist) {
		return k, false
	}
	var plain []byte
	if err == nil {
		plain, err = s.key.Open(string(sealed), []byte(id))
	}
	if err == nil {
		err = json.Unmarshal(plain, &k)
	}
	if err != nil {
		s.log.Warn("the last good settings cannot be read", "tenant", id, "error", err)
		return k, false
	}
	return k, true
}

func (s *Store) remove(id string) {
	if s == nil {
		return
	}
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("the last good settings of a dropped tenant are left", "tenant", id, "error", err)
	}
}

func (s *Store) all() []kept {
	if s == nil {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.log.Warn("the last good settings cannot be listed", "error", err)
	}
	var out []kept
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), sealedExt); ok {
			if k, ok := s.get(id); ok {
				out = append(out, k)
			}
		}
	}
	return out
}
