package host

import (
	"crypto/sha256"
	"slices"

	"github.com/botyard/botyard/host/config"
)

// missingSecret returns an error that names a secret of the tenant's plugins that cannot be read
// now, or nil if all secrets can be read.
func (h *Host) missingSecret(e *config.Effective) error {
	cfg := h.config.Load()
	for _, b := range e.Blocks() {
		if !b.HasReferences() {
			continue
		}
		if _, err := cfg.Resolve(e, b); err != nil {
			return err
		}
	}
	return nil
}

// secretSums returns the checksum of each of the tenant's resolved blocks that have references, by the
// path of the block. A block whose secrets cannot be read now has none.
func secretSums(cfg *config.Host, e *config.Effective) map[string][sha256.Size]byte {
	sums := map[string][sha256.Size]byte{}
	for _, b := range e.Blocks() {
		if !b.HasReferences() {
			continue
		}
		if resolved, err := cfg.Resolve(e, b); err == nil {
			sums[b.Path().String()] = sha256.Sum256(resolved)
		}
	}
	return sums
}

// secretsChanged returns a function that reports whether a secret of the tenant's plugins has
// changed since the bot was built, or can be read now and could not be read then. was has the result of
// secretSums when the build began. A secret that cannot be read now counts as unchanged, because the bot
// may still work. If the tenant's plugins have no references, secretsChanged returns nil.
func (h *Host) secretsChanged(e *config.Effective, was map[string][sha256.Size]byte) func() bool {
	if !slices.ContainsFunc(e.Blocks(), config.Block.HasReferences) {
		return nil
	}
	return func() bool {
		// Use the files that apply now, because they say where secrets are and which tenants may
		// use them.
		for path, now := range secretSums(h.config.Load(), e) {
			if sum, ok := was[path]; !ok || sum != now {
				return true
			}
		}
		return false
	}
}
