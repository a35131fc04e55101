package registry

import (
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tries records which storages each tenant's settings were tried with, by digest. A try may
// create a database in the storage, and the host does not delete that database. Therefore the
// number of tries is bounded. tries is guarded by tenantTable.mu.
type tries struct {
	of *simplelru.LRU[string, map[string]struct{}]
}

// MayTry reports whether the tenant's settings may be tried with the storage, and counts the
// try. A storage that is recorded for the tenant may always be tried. At most
// bounds.MaxStoragesTried other storages may be tried.
func (t *tenantTable) MayTry(id string, s config.SealedBlock) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.tenants[id]; n != nil && (&tenantstore.Entry{Storages: n.storages}).Uses(s.Digest) {
		return true
	}
	return t.tries.add(id, s.Digest)
}

// add reports whether the tenant may try the storage with the digest, and counts the try.
func (t *tries) add(id, digest string) bool {
	if t.of == nil {
		t.of, _ = simplelru.NewLRU[string, map[string]struct{}](bounds.MaxTenantsTried, nil) // NewLRU fails only for a size of 0
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
