package storagetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// roll holds the registered tenants of the reference.
type roll struct {
	head     int64
	last     string // the tenant of the newest PutTenant
	versions map[string][]storage.Registration
	watches  map[*watcher]bool
}

// watcher is a running WatchTenants of one of the opened references.
type watcher struct {
	of    *reference
	rings chan struct{} // has one element if there is an unreported change
}

func (r *reference) PutTenant(_ context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	r.enter()
	defer r.mu.Unlock()
	stateless := req.State < storage.TenantActive || req.State > storage.TenantFromFile
	if req.Tenant == "" || req.Attempt == "" || req.IfVersion < 0 || stateless && !r.has("any-put") {
		return nil, fault.New(fault.Invalid, "out of bounds")
	}
	position := int64(0)
	if r.has("late-positions") {
		r.roll.head++
		position = r.roll.head
		r.pause(time.Duration(position%7) * 100 * time.Microsecond)
	}
	versions := r.roll.versions[req.Tenant]
	newest := int64(0)
	for i, v := range slices.Backward(versions) {
		newest = max(newest, v.Version)
		repeat := i == len(versions)-1 && !(r.has("no-put-repeats") && !req.EraseHistory) || r.has("put-repeats-old")
		if repeat && v.Attempt == req.Attempt {
			return &v, nil
		}
	}
	if newest != req.IfVersion && !(r.has("if-version-ahead") && req.IfVersion > newest) {
		return nil, fault.New(fault.Conflict, "at version %d", newest)
	}
	if r.has("put-races") && req.IfVersion == 3 {
		r.pause(50 * time.Millisecond)
	}
	if position == 0 {
		r.roll.head++
		position = r.roll.head
	}
	next := storage.Registration{Tenant: req.Tenant, Version: newest + 1, Position: position, State: req.State,
		Incarnation: req.Incarnation, Document: req.Document, Note: req.Note, Attempt: req.Attempt, CreatedAt: time.Now()}
	if r.has("no-files") && next.State == storage.TenantFromFile {
		next.State = storage.TenantActive
	}
	if r.has("document-as-text") {
		next.Document = bytes.ToValidUTF8(next.Document, []byte("?"))
	}
	if req.EraseHistory && !r.has("forgets-nothing") {
		versions = nil
		if r.has("forget-restarts") {
			next.Version = 1
		}
	}
	versions = append(r.roll.versions[req.Tenant][:0:0], append(versions, next)...)
	if keep := storage.MaxHistoryVersions / 2; r.has("short-history") && len(versions) > keep {
		versions = versions[len(versions)-keep:]
	}
	var sizes []int
	for _, v := range slices.Backward(versions) {
		sizes = append(sizes, len(v.Document))
	}
	if keep := storage.HistoryFits(sizes); !r.has("endless-history") {
		versions = versions[len(versions)-keep:]
	}
	r.roll.versions[req.Tenant], r.roll.last = versions, req.Tenant
	for w := range r.roll.watches {
		if r.has("deaf-to-others") && w.of != r {
			continue
		}
		select {
		case w.rings <- struct{}{}:
		default:
		}
	}
	return &next, nil
}

// pause unlocks the data for the time d, and locks it again. Locked: mu is held.
func (r *reference) pause(d time.Duration) {
	r.mu.Unlock()
	time.Sleep(d)
	r.mu.Lock()
}

func (r *reference) newest(tenant string) (storage.Registration, bool) {
	versions := r.roll.versions[tenant]
	if len(versions) == 0 {
		return storage.Registration{}, false
	}
	return versions[len(versions)-1], true
}

func (r *reference) GetTenants(_ context.Context, ids []string) (found []storage.Registration, err error) {
	r.enter()
	defer r.mu.Unlock()
	if len(ids) > storage.MaxPage {
		return nil, fault.New(fault.Invalid, "too many")
	}
	for _, id := range ids {
		v, ok := r.newest(id)
		if ok {
			found = append(found, v)
		} else if r.has("invents-tenants") && len(ids) == 4 {
			found = append(found, storage.Registration{Tenant: id})
		}
	}
	return found, nil
}

func (r *reference) ListTenants(_ context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := r.checkLimit(limit); err != nil {
		return nil, err
	}
	order := func(a, b string) int { return strings.Compare(a, b) }
	if r.has("tenants-any-case") {
		order = func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }
	}
	var all []storage.Registration
	for id := range r.roll.versions {
		if v, _ := r.newest(id); order(id, after) > 0 {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b storage.Registration) int { return order(a.Tenant, b.Tenant) })
	n := min(limit, len(all))
	var size storage.PageBytes
	for i := range n {
		if size.Full(all[i].Size()) && !r.has("tenants-any-bytes") {
			n = i + 1
			break
		}
	}
	return &storage.RegistrationPage{Registrations: all[:n], More: n < len(all)}, nil
}

func (r *reference) TenantHistory(_ context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := r.checkLimit(limit); err != nil || before < 0 || tenant == "" {
		return nil, fault.New(fault.Invalid, "out of bounds")
	}
	if _, ok := r.newest(tenant); !ok && r.has("no-history") {
		return nil, fault.New(fault.NotFound, "no such tenant")
	}
	page := &storage.RegistrationPage{}
	var size storage.PageBytes
	full := false
	for _, v := range slices.Backward(r.roll.versions[tenant]) {
		if before > 0 && v.Version >= before {
			continue
		}
		if page.More = full || len(page.Registrations) == limit; page.More {
			break
		}
		page.Registrations = append(page.Registrations, v)
		full = size.Full(v.Size()) && !r.has("versions-any-bytes")
	}
	if r.has("history-always-more") && limit > 10 && len(page.Registrations) == limit {
		page.More = true
	}
	return page, nil
}

func (r *reference) TenantChanges(_ context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	r.enter()
	defer r.mu.Unlock()
	if after < 0 || limit < 0 || limit > storage.MaxPage {
		return nil, fault.New(fault.Invalid, "out of bounds")
	}
	page := &storage.TenantChangePage{Head: r.roll.head}
	if r.has("head-ahead") && limit == 0 && strings.HasPrefix(r.roll.last, "tenant-head") {
		page.Head += 40
	}
	for id := range r.roll.versions {
		if v, _ := r.newest(id); v.Position > after && limit > 0 {
			page.Changes = append(page.Changes, storage.TenantChange{Position: v.Position, Tenant: id, Version: v.Version})
		}
	}
	slices.SortFunc(page.Changes, func(a, b storage.TenantChange) int { return int(a.Position - b.Position) })
	if page.More = len(page.Changes) > limit && limit > 0; page.More {
		page.Changes = page.Changes[:limit]
		if r.has("changes-skip") && limit > 1 && limit < 7 {
			page.Changes = page.Changes[1:]
		}
	}
	return page, nil
}

func (r *reference) WatchTenants(ctx context.Context, changed func() error) error {
	w := &watcher{of: r, rings: make(chan struct{}, 1)}
	r.enter()
	r.roll.watches[w] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.roll.watches, w)
		r.mu.Unlock()
	}()
	for calls := 1; ctx.Err() == nil; calls++ {
		start := time.Now()
		if r.has("silent-start") && calls == 1 {
			time.Sleep(10 * time.Millisecond) // with this flaw, changed is not called at the start
		} else if err := changed(); err != nil && !r.has("watch-swallows") {
			return err
		}
		if r.has("misses-while-busy") && time.Since(start) > 20*time.Millisecond || r.has("deaf") && calls == 4 {
			select {
			case <-w.rings:
			default:
			}
		}
		rings := w.rings
		if r.has("deaf") && calls >= 4 {
			rings = nil
		}
		select {
		case <-rings:
		case <-ctx.Done():
		}
	}
	if r.has("watch-ends-well") {
		return nil
	}
	return fault.Of(ctx.Err())
}
