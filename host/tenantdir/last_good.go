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

// LastGood keeps the last good document of each tenant in a folder, in one file for each
// tenant. The host's key seals the files, because documents may have secrets. LastGood is safe
// for concurrent use. A nil *LastGood keeps no documents.
type LastGood struct {
	dir string
	key *secret.Key
	log hclog.Logger

	writing sync.Mutex // held while a file is written, because writing several files at once is not faster
}

// lastGoodDocument is a document with the unchanged text of its file.
type lastGoodDocument struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	Source []byte `json:"source"`
	// Secrets are the paths of the texts that were secret when the document was applied.
	Secrets []config.Path `json:"secrets,omitempty"`
}

// OpenLastGood returns the LastGood of the folder dir, and creates the folder if it does not
// exist.
func OpenLastGood(dir string, key *secret.Key, log hclog.Logger) (*LastGood, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &LastGood{dir: dir, key: key, log: log}, nil
}

// maxSealedBytes bounds a file with a sealed document, in bytes. It is more than the largest
// tenant file needs.
const maxSealedBytes = 8 << 20

const sealedExt = ".sealed"

// path returns the path of a tenant's sealed document.
func (l *LastGood) path(id string) string { return filepath.Join(l.dir, id+sealedExt) }

// put replaces the tenant's last good document. If put fails, the former document stays.
func (l *LastGood) put(doc lastGoodDocument) error {
	if l == nil {
		return nil
	}
	if old, ok := l.get(doc.ID); ok && old.Path == doc.Path && string(old.Source) == string(doc.Source) && slices.EqualFunc(old.Secrets, doc.Secrets, slices.Equal[config.Path]) {
		return nil
	}
	plain, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	tmp, err := os.CreateTemp(l.dir, ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(l.key.Seal(plain, []byte(doc.ID)))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), l.path(doc.ID))
}

// get returns a tenant's last good document. It returns false if the document does not exist or
// cannot be read. It logs a failed read.
func (l *LastGood) get(id string) (lastGoodDocument, bool) {
	var doc lastGoodDocument
	if l == nil {
		return doc, false
	}
	sealed, err := readfile.Read(context.Background(), l.path(id), maxSealedBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return doc, false
	}
	var plain []byte
	if err == nil {
		plain, err = l.key.Open(string(sealed), []byte(id))
	}
	if err == nil {
		err = json.Unmarshal(plain, &doc)
	}
	if err != nil {
		l.log.Warn("the last good settings cannot be read", "tenant", id, "error", err)
		return doc, false
	}
	return doc, true
}

// remove deletes a tenant's last good document. It logs a failure.
func (l *LastGood) remove(id string) {
	if l == nil {
		return
	}
	if err := os.Remove(l.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.log.Warn("the last good settings of a dropped tenant are left", "tenant", id, "error", err)
	}
}

// all returns the last good documents of all tenants. It logs and leaves out documents that
// cannot be read.
func (l *LastGood) all() []lastGoodDocument {
	if l == nil {
		return nil
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		l.log.Warn("the last good settings cannot be listed", "error", err)
	}
	var out []lastGoodDocument
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), sealedExt); ok {
			if doc, ok := l.get(id); ok {
				out = append(out, doc)
			}
		}
	}
	return out
}
