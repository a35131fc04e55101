package host

import (
	"crypto/sha256"

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

// secretsChanged returns a function that reports whether a secret of the tenant's plugins has
// changed since the bot was built. was maps the path of each block with references to the
// checksum of the resolved block. A secret that cannot be read now counts as unchanged,
// because the bot may still work. If was is empty, secretsChanged returns nil.
func (h *Host) secretsChanged(e *config.Effective, was map[string][sha256.Size]byte) func() bool {
	if len(was) == 0 {
		return nil
	}
	return func() bool {
		// Use the files that apply now, because they say where secrets are and which tenants may
		// use them.
		cfg := h.config.Load()
		for _, b := range e.Blocks() {
			sum, ok := was[b.Path().String()]
			if !ok {
				continue
			}
			if now, err := cfg.Resolve(e, b); err == nil && sha256.Sum256(now) != sum {
				return true
			}
		}
		return false
	}
}
