package archive

import (
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// DeletionOptions choose how to erase or purge.
type DeletionOptions struct {
	// Abandon names storages that exist no longer, by the first characters of their digests.
	// They are not asked, and what they have is not deleted.
	Abandon []string
	// Progress is called after each step with what was deleted so far of one incarnation in
	// one storage. Nil means that nobody wants to know.
	Progress func(Count)
}

// shortDigest is how many characters of a digest name a storage, at least.
const shortDigest = 8

// abandons reports whether the storage is not to be asked.
func (o *DeletionOptions) abandons(b config.SealedBlock) bool {
	return slices.ContainsFunc(o.Abandon, func(prefix string) bool { return strings.HasPrefix(b.Digest, prefix) })
}

// validate returns fault.Invalid if Abandon names anything but a storage of the incarnations.
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
