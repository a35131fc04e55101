package archive

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// OpenedStorage is a storage that was opened for one tenant.
type OpenedStorage struct {
	storage.Storage
	Importer    storage.Importer // nil if the plugin cannot import
	KnowsOwners bool             // the plugin records which user wrote each turn
	Close       func()           // called once by the code that opened the storage
}

// requireOwners returns fault.Invalid if only one user's data is wanted from a plugin that
// does not record which user wrote what. An empty user means all users, which any plugin can
// do.
func (s *OpenedStorage) requireOwners(user string) error {
	if user == "" || s.KnowsOwners {
		return nil
	}
	return fault.New(fault.Invalid, "its plugin does not tell whose turns are whose: update it").By(fault.PartyHost)
}

// openStorage opens a storage, with retries. An error names the storage.
func (a *Archive) openStorage(ctx context.Context, id string, b config.SealedBlock) (store *OpenedStorage, err error) {
	err = a.retry(ctx, func() (err error) {
		store, err = a.o.OpenStorage(ctx, id, b)
		return err
	})
	if err != nil {
		return nil, labeled(b, err)
	}
	return store, nil
}

// labeled returns err with the label of its storage in front of the message.
func labeled(b config.SealedBlock, err error) error {
	f := *fault.Of(err)
	f.Message = fmt.Sprintf("storage %s: %s", b.Label(), f.Message)
	f.Err = err
	return &f
}
