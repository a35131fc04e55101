package archivetest

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// Storage keeps conversations in memory. It is safe for concurrent use.
type Storage struct {
	// Before, if it is set, is called before each method of storage.Storage and
	// storage.Importer, with the method's name. If Before returns an error, the method does
	// nothing and returns this error. A test sets Before before it calls the first method.
	Before func(method string, call sdk.Call) error

	store *storagekit.Store
}

var (
	_ storage.Storage  = (*Storage)(nil)
	_ storage.Importer = (*Storage)(nil)
)

// New returns an empty Storage.
func New() *Storage {
	return &Storage{store: storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})}
}

func (s *Storage) before(method string, call sdk.Call) error {
	if s.Before == nil {
		return nil
	}
	return s.Before(method, call)
}

// Begin implements storage.Storage.
func (s *Storage) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := s.before("Begin", req.Call); err != nil {
		return nil, err
	}
	return s.store.Begin(ctx, req)
}

// Commit implements storage.Storage.
func (s *Storage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := s.before("Commit", req.Call); err != nil {
		return 0, err
	}
	return s.store.Commit(ctx, req)
}

// Read implements storage.Storage.
func (s *Storage) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	if err := s.before("Read", req.Call); err != nil {
		return nil, err
	}
	return s.store.Read(ctx, req)
}

// List implements storage.Storage.
func (s *Storage) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if err := s.before("List", req.Call); err != nil {
		return nil, err
	}
	return s.store.List(ctx, req)
}

// Delete implements storage.Storage.
func (s *Storage) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	if err := s.before("Delete", scope.Call); err != nil {
		return storage.Deleted{}, err
	}
	return s.store.Delete(ctx, scope)
}

// Import implements storage.Importer.
func (s *Storage) Import(ctx context.Context, req *storage.ImportRequest) (int64, error) {
	if err := s.before("Import", req.Call); err != nil {
		return 0, err
	}
	return s.store.Import(ctx, req)
}
