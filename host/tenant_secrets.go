package host

import (
	"crypto/sha256"

	"github.com/botyard/botyard/host/config"
)

// missingSecret returns which secret of the tenant's plugins cannot be read now; nil if all
// can.
func (h *Host) missingSecret(e *config.Effective) error {
	cfg := h.config.Load()
	for _, b := range pluginBlocks(e) {
		if !b.HasReferences() {
			continue
		}
		if _, err := cfg.Resolve(e, b); err != nil {
			return err
		}
	}
	return nil
}

// secretsChanged returns a function that reports whether a secret of the tenant's plugins
// has changed. was maps each kind to the sum of its resolved block, for blocks with
// references. A secret that cannot be read now counts as unchanged, because the bot that was
// built with it may still work. secretsChanged returns nil if was is empty.
func (h *Host) secretsChanged(e *config.Effective, was map[string][sha256.Size]byte) func() bool {
	if len(was) == 0 {
		return nil
	}
	return func() bool {
		// The files that apply now say where secrets are, and which tenants may use them.
		cfg := h.config.Load()
		for _, b := range pluginBlocks(e) {
			sum, ok := was[b.Kind]
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
