package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Storage gives the instance as what keeps conversations.
func (i *Instance) Storage() storage.Storage { return storageCaller{i} }

// Renewer gives the instance as what keeps leases; nil when the plugin has not
// that capability.
func (i *Instance) Renewer() storage.Renewer {
	if !process.HasCapability(i.sup.lastInfo(), storage.CapRenew) {
		return nil
	}
	return renewCaller{i}
}

// Importer gives the instance as what takes turns that ended elsewhere; nil when the
// plugin has not that capability.
func (i *Instance) Importer() storage.Importer {
	if !process.HasCapability(i.sup.lastInfo(), storage.CapImport) {
		return nil
	}
	return importCaller{i}
}

// KnowsOwners says whether the instance keeps the conversations of users apart, and tells
// whose turns are whose: the capability "owners".
func (i *Instance) KnowsOwners() bool {
	return process.HasCapability(i.sup.lastInfo(), storage.CapOwners)
}

// Migrator returns the instance as a storage.Migrator, or nil when the plugin lacks that
// capability.
func (i *Instance) Migrator() storage.Migrator {
	if !process.HasCapability(i.sup.lastInfo(), storage.CapMigrate) {
		return nil
	}
	return migrateCaller{i}
}

// Backuper gives the instance as what can be copied; nil when the plugin has not that
// capability.
func (i *Instance) Backuper() storage.Backuper {
	if !process.HasCapability(i.sup.lastInfo(), storage.CapBackup) {
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

// Begin implements storage.Storage.
func (s storageCaller) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	return beginWithin(req, func(req *storage.BeginRequest) (*storage.BeginResult, error) { return s.begin(ctx, req) })
}

// beginWithin begins a turn with as much of the tail as is carried. A storage that does
// not heed TailBytes, and whose answer is too large, is asked again for the same turn with
// a shorter tail: the turn has begun, and would hold its conversation unheard.
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

// readWithin reads as many turns as are carried. Of a storage whose pages do not end by
// their bytes they are read one by one where a page is too large.
func readWithin(req *storage.ReadRequest, read func(*storage.ReadRequest) (*storage.TurnPage, error)) (*storage.TurnPage, error) {
	out, err := read(req)
	if tooLarge(err) && req.Limit > 1 {
		one := *req
		one.Limit = 1
		return read(&one)
	}
	return out, err
}

// tooLarge reports whether the answer to a call was larger than what carries it.
func tooLarge(err error) bool {
	return errors.Is(err, fault.ErrTooLarge) && fault.Of(err).Party == fault.PartyPlugin
}

func (s storageCaller) begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	var out *storage.BeginResult
	err := s.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Begin(ctx, req)
		return err
	})
	return out, err
}

// Commit implements storage.Storage. It ends what a Begin has let in, and so is
// not refused while the storage fails: a reply would be lost for nothing, and
// there are no more of them than turns.
func (s storageCaller) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	var out int64
	err := s.i.do(ctx, callOptions{tenant: req.Call.Tenant, urgent: true, ends: true}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Commit(ctx, req)
		return err
	})
	return out, err
}

// Read implements storage.Storage.
func (s storageCaller) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	return readWithin(req, func(req *storage.ReadRequest) (*storage.TurnPage, error) { return s.read(ctx, req) })
}

func (s storageCaller) read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	var out *storage.TurnPage
	err := s.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Read(ctx, req)
		if err == nil { // reasons that were kept before they were cut, or that the plugin made
			for n := range out.Turns {
				out.Turns[n].Reason = s.i.m.sanitizer.Clean(out.Turns[n].Reason, process.MaxMessageBytes)
			}
		}
		return err
	})
	return out, err
}

// List implements storage.Storage.
func (s storageCaller) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	var out *storage.ConversationPage
	err := s.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).List(ctx, req)
		return err
	})
	return out, err
}

// Delete implements storage.Storage.
func (s storageCaller) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	var out storage.Deleted
	err := s.i.do(ctx, callOptions{tenant: scope.Call.Tenant, ends: true}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Delete(ctx, scope)
		return err
	})
	return out, err
}

// Renew implements storage.Renewer. It takes no slot: leases that ran out behind a
// tenant's flood would interrupt every turn of the host.
func (r renewCaller) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	return r.i.do(ctx, callOptions{unqueued: true}, func(ctx context.Context, t target) error {
		return storage.NewClient(t.conn, t.id).Renew(ctx, holders, lease)
	})
}

// Import implements storage.Importer.
func (c importCaller) Import(ctx context.Context, req *storage.ImportRequest) (int64, error) {
	var out int64
	err := c.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Import(ctx, req)
		return err
	})
	return out, err
}

// Migrate implements storage.Migrator. It is bounded by ctx alone: how long it takes
// is the database's size's to say.
func (c migrateCaller) Migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	var out *storage.Migration
	err := c.i.do(ctx, callOptions{unqueued: true, unbounded: true}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Migrate(ctx, opts)
		if err == nil {
			for n := range out.Steps {
				out.Steps[n] = c.i.m.sanitizer.Clean(out.Steps[n], process.MaxMessageBytes)
			}
		}
		return err
	})
	return out, err
}

// Backup implements storage.Backuper. It is bounded by ctx alone: how long it takes is
// the database's size's to say.
func (c backupCaller) Backup(ctx context.Context, folder string) (*storage.BackupFile, error) {
	var out *storage.BackupFile
	err := c.i.do(ctx, callOptions{unqueued: true, unbounded: true}, func(ctx context.Context, t target) (err error) {
		out, err = storage.NewClient(t.conn, t.id).Backup(ctx, folder)
		return err
	})
	return out, err
}
