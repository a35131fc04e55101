package registry

import (
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tries remembers which storages the settings of tenants were tried with, by digest:
// trying one may make its database, and nobody removes it. It is used under the
// Registry's lock.
type tries struct {
	of *simplelru.LRU[string, map[string]struct{}]
}

// MayTry reports whether the tenant's settings may be tried with the storage, and
// remembers that they are: with those that are noted, and with so many others.
func (r *Registry) MayTry(id string, s config.SealedBlock) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[id]; t != nil && (&tenantstore.Entry{Storages: t.storages}).Uses(s.Digest) {
		return true
	}
	return r.tries.add(id, s.Digest)
}

func (t *tries) add(id, digest string) bool {
	if t.of == nil {
		t.of, _ = simplelru.NewLRU[string, map[string]struct{}](bounds.MaxTenantsTried, nil) // fails for no size only
	}
	tried, _ := t.of.Get(id)
	if _, again := tried[digest]; again {
		return true
	}
	if len(tried) >= bounds.MaxStoragesTried {
		return false
	}
	if tried == nil {
		tried = map[string]struct{}{}
		t.of.Add(id, tried)
	}
	tried[digest] = struct{}{}
	return true
}
