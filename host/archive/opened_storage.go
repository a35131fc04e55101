package archive

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// OpenedStorage is a storage that is open for one tenant.
type OpenedStorage struct {
	storage.Storage
	Importer    storage.Importer    // nil if the plugin cannot import
	Cursors     storage.CursorStore // nil if the plugin keeps no cursors
	KnowsOwners bool                // the plugin records which user wrote each turn
	Retracts    bool                // the plugin keeps which turns were retracted
	Close       func()              // the archive calls Close once
}

// requireOwners returns fault.Invalid if user is not empty and the storage's plugin does not
// record which user wrote a turn. An empty user means all users, for which any plugin will do.
func (s *OpenedStorage) requireOwners(user string) error {
	if user == "" || s.KnowsOwners {
		return nil
	}
	return fault.New(fault.Invalid, "its plugin does not tell whose turns are whose: update it").By(fault.PartyHost)
}

// openStorage opens a storage and repeats the call after transient errors. Its errors name the
// storage.
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

// labeled returns err with the label of the storage at the beginning of the message.
func labeled(b config.SealedBlock, err error) error {
	f := *fault.Of(err)
	f.Message = fmt.Sprintf("storage %s: %s", b.Label(), f.Message)
	f.Err = err
	return &f
}
