package archive

import (
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// DeletionOptions are the options of an erasure or a purge.
type DeletionOptions struct {
	// Abandon names storages that no longer exist, by the first characters of their digests. An
	// erasure or a purge skips these storages and deletes nothing in them.
	Abandon []string
	// Progress is called after each step with the counts so far of one incarnation in one
	// storage, never concurrently. Progress may be nil.
	Progress func(Count)
}

// shortDigest is the minimum number of characters of a digest that name a storage.
const shortDigest = 8

// abandons reports whether Abandon names the storage.
func (o *DeletionOptions) abandons(b config.SealedBlock) bool {
	return slices.ContainsFunc(o.Abandon, func(prefix string) bool { return strings.HasPrefix(b.Digest, prefix) })
}

// validate returns fault.Invalid if a text in Abandon does not name a storage of the
// incarnations.
func (o *DeletionOptions) validate(incarnations []tenantstore.Incarnation) error {
	for _, prefix := range o.Abandon {
		known := false
		for _, l := range incarnations {
			known = known || slices.ContainsFunc(l.Storages, func(b config.SealedBlock) bool { return strings.HasPrefix(b.Digest, prefix) })
		}
		if len(prefix) < shortDigest || !known {
			return fault.New(fault.Invalid, "%q is no storage of this tenant; expected %d characters or more of a digest", prefix, shortDigest).At("abandon")
		}
	}
	return nil
}
