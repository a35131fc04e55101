package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// Storage returns the instance as a storage.Storage.
func (i *Instance) Storage() storage.Storage { return storageCaller{i} }

// Renewer returns the instance as a storage.Renewer, or nil if the plugin lacks the
// feature feature.Renew.
func (i *Instance) Renewer() storage.Renewer {
	if !process.HasFeature(i.sup.lastInfo(), feature.Renew) {
		return nil
	}
	return renewCaller{i}
}

// Importer returns the instance as a storage.Importer, or nil if the plugin lacks the
// feature feature.Import.
func (i *Instance) Importer() storage.Importer {
	if !process.HasFeature(i.sup.lastInfo(), feature.Import) {
		return nil
	}
	return importCaller{i}
}

// Brancher returns the instance as a storage.Brancher, or nil if the plugin lacks the
// feature feature.Branch.
func (i *Instance) Brancher() storage.Brancher {
	if !process.HasFeature(i.sup.lastInfo(), feature.Branch) {
		return nil
	}
	return branchCaller{i}
}

// Cursors returns the instance as a storage.CursorStore, or nil if the plugin lacks the
// feature feature.Cursor.
func (i *Instance) Cursors() storage.CursorStore {
	if !process.HasFeature(i.sup.lastInfo(), feature.Cursor) {
		return nil
	}
	return cursorCaller{i}
}

// KnowsOwners reports whether the storage separates the conversations of different users,
// and returns the owner of each turn. It checks the feature feature.Owners.
func (i *Instance) KnowsOwners() bool {
	return process.HasFeature(i.sup.lastInfo(), feature.Owners)
}

// Retracts reports whether the storage retracts turns, and imports retracted ones. It checks the
// feature feature.Retract.
func (i *Instance) Retracts() bool {
	return process.HasFeature(i.sup.lastInfo(), feature.Retract)
}

// Migrator returns the instance as a storage.Migrator, or nil if the plugin lacks the
// feature feature.Migrate.
func (i *Instance) Migrator() storage.Migrator {
	if !process.HasFeature(i.sup.lastInfo(), feature.Migrate) {
		return nil
	}
	return migrateCaller{i}
}

// Backuper returns the instance as a storage.Backuper, or nil if the plugin lacks the
// feature feature.Backup.
func (i *Instance) Backuper() storage.Backuper {
	if !process.HasFeature(i.sup.lastInfo(), feature.Backup) {
		return nil
	}
	return backupCaller{i}
}

type (
	storageCaller struct{ i *Instance }
	renewCaller   struct{ i *Instance }
	importCaller  struct{ i *Instance }
	migrateCaller struct{ i *Instance }
	backupCaller  struct{ i *Instance }
)

var (
	_ storage.Storage  = storageCaller{}
	_ storage.Renewer  = renewCaller{}
	_ storage.Importer = importCaller{}
	_ storage.Migrator = migrateCaller{}
	_ storage.Backuper = backupCaller{}
)

// HasFeature reports whether the plugin has the feature.
func (s storageCaller) HasFeature(name string) bool {
	return process.HasFeature(s.i.sup.lastInfo(), name)
}

// Begin implements storage.Storage.
func (s storageCaller) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	return beginWithin(req, func(req *storage.BeginRequest) (*storage.BeginResult, error) { return s.begin(ctx, req) })
}

// beginWithin begins a turn. If the response is too large for one message, because the
// storage ignores TailBytes, beginWithin requests the same turn again with a shorter tail,
// until the response fits or the tail is empty. It must get a response, because the turn
// has begun and holds its conversation.
func beginWithin(req *storage.BeginRequest, begin func(*storage.BeginRequest) (*storage.BeginResult, error)) (*storage.BeginResult, error) {
	out, err := begin(req)
	for again := *req; tooLarge(err) && again.Tail > 0 && again.Attempt != ""; {
		again.Tail /= 4
		if out, err = begin(&again); err == nil && out.Started != nil {
			out.Started.TailCut = true
		}
	}
	return out, err
}

// readWithin reads a page of turns. If the page is too large for one message, because the
// storage ignores the byte limit, readWithin reads a single turn instead.
func readWithin(req *storage.ReadRequest, read func(*storage.ReadRequest) (*storage.TurnPage, error)) (*storage.TurnPage, error) {
	out, err := read(req)
	if tooLarge(err) && req.Limit > 1 {
		one := *req
		one.Limit = 1
		return read(&one)
	}
	return out, err
}

// tooLarge reports whether the plugin's response was larger than a message may be.
func tooLarge(err error) bool {
	return errors.Is(err, fault.ErrAnswerTooLarge)
}

func (s storageCaller) begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	return invoke(ctx, s.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, c *storage.Client) (*storage.BeginResult, error) {
		out, err := c.Begin(ctx, req)
		if err != nil {
			return nil, err
		}
		return out, s.i.refuse(wrongBegin(req, out))
	})
}

// Commit implements storage.Storage. The breaker does not refuse a Commit, because the
// reply of a turn that has begun would be lost. Commits cannot overload the storage,
// because there are no more commits than turns.
func (s storageCaller) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	return invoke(ctx, s.i, callOptions{tenant: req.Call.Tenant, urgent: true, ends: true}, storage.NewClient, func(ctx context.Context, c *storage.Client) (int64, error) {
		return c.Commit(ctx, req)
	})
}

// Read implements storage.Storage.
func (s storageCaller) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	return readWithin(req, func(req *storage.ReadRequest) (*storage.TurnPage, error) { return s.read(ctx, req) })
}

func (s storageCaller) read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	return invoke(ctx, s.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, c *storage.Client) (*storage.TurnPage, error) {
		out, err := c.Read(ctx, req)
		if err != nil {
			return nil, err
		}
		for n := range out.Turns { // Reason may be longer, or not sanitized, in turns of earlier hosts or of the plugin itself.
			out.Turns[n].Reason = s.i.m.sanitizer.Clean(out.Turns[n].Reason, process.MaxMessageBytes)
		}
		return out, s.i.refuse(wrongTurns(req, out))
	})
}

// List implements storage.Storage.
func (s storageCaller) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	return invoke(ctx, s.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, c *storage.Client) (*storage.ConversationPage, error) {
		out, err := c.List(ctx, req)
		if err != nil {
			return nil, err
		}
		return out, s.i.refuse(wrongConversations(req, out))
	})
}

// Delete implements storage.Storage.
func (s storageCaller) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	return invoke(ctx, s.i, callOptions{tenant: scope.Call.Tenant, ends: true}, storage.NewClient, func(ctx context.Context, c *storage.Client) (storage.Deleted, error) {
		return c.Delete(ctx, scope)
	})
}

// Renew implements storage.Renewer. It uses no slot. If it waited behind a tenant's calls,
// leases could expire, and all turns of the host would be interrupted.
func (r renewCaller) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	return r.i.call(ctx, callOptions{unqueued: true}, func(ctx context.Context, t target) error {
		return storage.NewClient(t.conn, t.id).Renew(ctx, holders, lease)
	})
}

// Import implements storage.Importer.
func (s importCaller) Import(ctx context.Context, req *storage.ImportRequest) (int64, error) {
	return invoke(ctx, s.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, c *storage.Client) (int64, error) {
		return c.Import(ctx, req)
	})
}

// Migrate implements storage.Migrator. It has no call timeout, only the deadline of ctx,
// because its duration depends on the size of the database.
func (s migrateCaller) Migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	return invoke(ctx, s.i, callOptions{unqueued: true, unbounded: true}, storage.NewClient, func(ctx context.Context, c *storage.Client) (*storage.Migration, error) {
		out, err := c.Migrate(ctx, opts)
		if err == nil {
			for n := range out.Steps {
				out.Steps[n] = s.i.m.sanitizer.Clean(out.Steps[n], process.MaxMessageBytes)
			}
		}
		return out, err
	})
}

// Backup implements storage.Backuper. It has no call timeout, only the deadline of ctx,
// because its duration depends on the size of the database.
func (s backupCaller) Backup(ctx context.Context, folder string) (*storage.BackupFile, error) {
	return invoke(ctx, s.i, callOptions{unqueued: true, unbounded: true}, storage.NewClient, func(ctx context.Context, c *storage.Client) (*storage.BackupFile, error) {
		return c.Backup(ctx, folder)
	})
}
