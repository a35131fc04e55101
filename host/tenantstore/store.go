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

// Options are what a Store is made with.
type Options struct {
	// Storage returns the storage that keeps the registrations now. It is called once for
	// each call of the storage, and may return another one each time. If the storage is a
	// storage.TenantWatcher too, its notices of changes are used.
	Storage func() storage.TenantStore
	Key     *secret.Key // seals secrets; shared by all hosts of the tenant store
	// Changed is called with the tenants that changed; nil means that all may have. It is
	// called before Fresh counts the change as known. It must not wait, and must not call the
	// Store.
	Changed func(changes []storage.TenantChange)
	Log     hclog.Logger
	// Slots bounds how many registrations are read and written at once. Nil bounds nothing.
	Slots *fairshare.Slots
	now   func() time.Time
}

// Fixed returns an Options.Storage that always returns s.
func Fixed(s storage.TenantStore) func() storage.TenantStore {
	return func() storage.TenantStore { return s }
}

// Store keeps registrations and follows the changes of all hosts. It is safe for
// concurrent use.
type Store struct {
	o     Options
	start time.Time
	fresh atomic.Int64  // nanoseconds after start; all changes before it are known; 0 for never
	head  atomic.Int64  // position of the newest change that the storage has
	known atomic.Int64  // position of the newest change that was passed to Changed
	wake  chan struct{} // holds a value when Run has to poll at once

	ownSettingsSince atomic.Int64 // position of the row ownSettingsRow; 0 while none is known

	polling  chan struct{} // a semaphore: holds a value while a poll runs
	position int64         // guarded by polling; -1 before the first poll

	watchMu   sync.Mutex
	stopWatch context.CancelFunc // ends the running watch; nil for none
}

// New returns a Store. It calls the storage only from Run and the other methods.
func New(o Options) *Store {
	if o.now == nil {
		o.now = time.Now
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return &Store{o: o, start: o.now().Add(-time.Second), position: -1, wake: make(chan struct{}, 1), polling: make(chan struct{}, 1)}
}

// Get returns the newest version of a tenant's registration. It is nil if there is none.
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

// List returns a page of the newest versions, ordered by tenant. The page begins after the
// given id and has at most limit entries.
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

// History returns a page of a tenant's versions, newest first. The page has at most
// limit versions. Their numbers are less than before, or any if before is 0.
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

// unpack decodes a registration. It waits for a place in Options.Slots; its error is that of
// ctx.
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

// PutOptions are the conditions and effects of a Put.
type PutOptions struct {
	IfVersion    int64 // the newest version must have this number; 0 if there must be none
	EraseHistory bool  // the Put erases all earlier versions
}

// Put stores e as the next version and returns it. The texts at e.Literals and
// e.OwnLiterals are sealed. The storage sets version and time. The error is fault.Conflict
// when IfVersion is not the newest version. A call whose effect is uncertain is repeated
// until it is answered, ctx ends, or putTimeout is over.
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
			return s.unpack(context.WithoutCancel(ctx), *r) // it is stored, even if the caller has left
		}
		// The storage recognizes a repeat of the same Put, so that nothing is stored twice.
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
	putTimeout = 15 * time.Second       // bounds one Put with its repeats
	putPause   = 200 * time.Millisecond // the time between two tries of one Put
)
