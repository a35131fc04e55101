package tenantstore

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Options are the settings of a Store.
type Options struct {
	// Storage returns the storage that has the registrations now. The Store calls it before
	// each call of the storage, and it may return another storage each time. If the storage is
	// a storage.TenantWatcher too, the Store uses its notices of changes.
	Storage func() storage.TenantStore
	Key     *secret.Key // seals secrets; all hosts with this storage share it
	// Changed is called with changes of tenants. A nil slice means that all tenants may have
	// changed. Fresh reports a change as known only after Changed has returned. Changed must
	// not wait, and must not call the Store.
	Changed func(changes []storage.TenantChange)
	Log     hclog.Logger
	// Slots bounds how many registrations are encoded and decoded at once. A nil Slots means no
	// bound.
	Slots *fairshare.Slots
	now   func() time.Time
}

// Fixed returns an Options.Storage that always returns s.
func Fixed(s storage.TenantStore) func() storage.TenantStore {
	return func() storage.TenantStore { return s }
}

// Store reads and writes registrations, and follows the changes of all hosts. It is safe for
// concurrent use.
type Store struct {
	o     Options
	start time.Time
	// time after start, in nanoseconds, up to which all changes are known; 0 before the first
	// poll
	fresh atomic.Int64
	head  atomic.Int64  // position of the storage's newest change in the last poll
	known atomic.Int64  // position of the newest change that was passed to Options.Changed
	wake  chan struct{} // has a value when Run must poll at once

	ownSettingsSince atomic.Int64 // position of the row ownSettingsRow; 0 while it is unknown

	polling chan struct{} // a semaphore that has a value while a poll runs
	// position of the last change that poll has read; -1 before the first poll; guarded by
	// polling
	position int64

	watchMu   sync.Mutex
	stopWatch context.CancelFunc // ends the running watch; nil before the first watch
}

// New returns a Store. New makes no call of the storage and starts no goroutine.
func New(o Options) *Store {
	if o.now == nil {
		o.now = time.Now
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return &Store{o: o, start: o.now().Add(-time.Second), position: -1, wake: make(chan struct{}, 1), polling: make(chan struct{}, 1)}
}

// Get returns the newest version of a tenant's registration, or nil if the tenant has no
// registration.
func (s *Store) Get(ctx context.Context, tenant string) (*Entry, error) {
	ids := []string{tenant}
	if s.ownSettingsSince.Load() == 0 {
		ids = append(ids, ownSettingsRow)
	}
	found, err := s.o.Storage().GetTenants(ctx, ids)
	if err != nil {
		return nil, err
	}
	s.noteOwnSettingsRow(found)
	for _, r := range found {
		if r.Tenant == tenant {
			e, err := s.unpack(ctx, r)
			if err != nil {
				return nil, err
			}
			return e, s.recoverOwn(ctx, e)
		}
	}
	return nil, nil
}

// List returns a page with the newest version of each tenant, ordered by tenant. The page
// begins after the id after and has at most limit entries. more reports whether another page
// follows.
func (s *Store) List(ctx context.Context, after string, limit int) (entries []*Entry, more bool, err error) {
	page, err := s.o.Storage().ListTenants(ctx, after, limit)
	if err != nil {
		return nil, false, err
	}
	if err := s.findOwnSettingsRow(ctx); err != nil {
		return nil, false, err
	}
	if entries, err = s.unpackAll(ctx, page); err != nil {
		return nil, false, err
	}
	for _, e := range entries {
		if err := s.recoverOwn(ctx, e); err != nil {
			return nil, false, err
		}
	}
	return entries, page.More, nil
}

// History returns a page with versions of a tenant, newest first. The page has at most limit
// versions whose numbers are less than before. If before is 0, the page begins with the newest
// version. more reports whether another page follows.
func (s *Store) History(ctx context.Context, tenant string, before int64, limit int) (entries []*Entry, more bool, err error) {
	page, err := s.o.Storage().TenantHistory(ctx, tenant, before, limit)
	if err != nil {
		return nil, false, err
	}
	if err := s.findOwnSettingsRow(ctx); err != nil {
		return nil, false, err
	}
	if entries, err = s.unpackAll(ctx, page); err != nil {
		return nil, false, err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		switch {
		case !s.lostOwn(e):
		case i+1 < len(entries):
			e.takeOwn(entries[i+1])
		default:
			if err := s.recoverOwn(ctx, e); err != nil {
				return nil, false, err
			}
		}
	}
	return entries, page.More, nil
}

// unpack decodes a registration. It waits for a place in Options.Slots, and returns an error
// only if ctx ends during the wait.
func (s *Store) unpack(ctx context.Context, r storage.Registration) (e *Entry, err error) {
	err = s.o.Slots.Do(ctx, r.Tenant, func(context.Context) error {
		e = unpack(s.o.Key, r)
		return nil
	})
	return e, err
}

func (s *Store) unpackAll(ctx context.Context, page *storage.RegistrationPage) (_ []*Entry, err error) {
	out := make([]*Entry, len(page.Registrations))
	for i, r := range page.Registrations {
		if out[i], err = s.unpack(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PutOptions are the options of a Put.
type PutOptions struct {
	IfVersion    int64 // the number of the newest version; 0 if the tenant must have no registration
	EraseHistory bool  // delete all earlier versions of the tenant
}

// Put stores e as the tenant's next version and returns the stored version. It seals the texts
// at e.Literals and e.OwnLiterals. The storage sets the version's number and time. Put returns
// fault.Conflict if IfVersion is not the number of the newest version. If a call of the storage
// fails so that its effect is unknown, Put repeats the call until the storage responds, ctx
// ends, or putTimeout is over.
func (s *Store) Put(ctx context.Context, e Entry, o PutOptions) (*Entry, error) {
	if e.Own != nil {
		if err := s.putOwnSettingsRow(ctx); err != nil {
			return nil, err
		}
	}
	var document []byte
	err := s.o.Slots.Do(ctx, e.Tenant, func(context.Context) (err error) {
		document, err = pack(s.o.Key, &e)
		return err
	})
	if err != nil {
		return nil, err
	}
	req := &storage.PutTenantRequest{
		Tenant: e.Tenant, IfVersion: o.IfVersion, State: e.State, Incarnation: e.Incarnation,
		Document: document, Note: e.Note, Attempt: rand.Text(), EraseHistory: o.EraseHistory,
	}
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	for {
		r, err := s.o.Storage().PutTenant(ctx, req)
		if err == nil {
			s.wakeUp()
			// The version is stored, so Put returns it even if ctx has ended.
			return s.unpack(context.WithoutCancel(ctx), *r)
		}
		// The storage recognizes a repeated Put by its attempt, so no version is stored twice.
		if f := fault.Of(err); !f.Retryable || f.Class == fault.Conflict || ctx.Err() != nil {
			return nil, err
		}
		timer := time.NewTimer(putPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
	}
}

const (
	putTimeout = 15 * time.Second       // bounds one Put with all its tries
	putPause   = 200 * time.Millisecond // the pause between two tries of one Put
)
