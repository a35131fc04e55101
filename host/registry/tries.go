package registry

import (
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tries remembers with which storages the settings of tenants were tried, by digest. A try may
// create the storage's database, which nobody removes; therefore tries are bounded. It is
// guarded by the table's mu.
type tries struct {
	of *simplelru.LRU[string, map[string]struct{}]
}

// MayTry reports whether the tenant's settings may be tried with the storage, and counts the
// try. A storage that is noted for the tenant may always be tried, and at most
// bounds.MaxStoragesTried others.
func (t *tenantTable) MayTry(id string, s config.SealedBlock) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.tenants[id]; n != nil && (&tenantstore.Entry{Storages: n.storages}).Uses(s.Digest) {
		return true
	}
	return t.tries.add(id, s.Digest)
}

// add reports whether a storage may be tried, and counts it.
func (t *tries) add(id, digest string) bool {
	if t.of == nil {
		t.of, _ = simplelru.NewLRU[string, map[string]struct{}](bounds.MaxTenantsTried, nil) // fails for a size of 0 only
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
