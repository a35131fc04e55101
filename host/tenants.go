package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
)

// loadTenants registers what the tenant folders hold. What is wrong with one file
// is that tenant's matter; a folder that cannot be read is an error.
func (h *Host) loadTenants(ctx context.Context) error {
	for _, dir := range h.settings.TenantDirs {
		files, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("tenant_dirs: %w", err)
		}
		for _, f := range files {
			path := filepath.Join(dir, f.Name())
			id, ok := tenantOf(f.Name())
			if f.IsDir() || !ok {
				continue
			}
			if err := h.loadTenant(ctx, id, path); err != nil {
				h.log.Error("tenant refused", "tenant", id, "file", path, "error", err.Error())
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// tenantOf is the id that a file in a tenant folder stands for.
func tenantOf(name string) (id string, ok bool) {
	ext := filepath.Ext(name)
	if strings.HasPrefix(name, ".") || !slices.Contains([]string{".hcl", ".yaml", ".yml", ".json"}, ext) {
		return "", false
	}
	return strings.TrimSuffix(name, ext), true
}

func (h *Host) loadTenant(ctx context.Context, id, path string) error {
	if err := config.ValidTenantID(id); err != nil {
		return err
	}
	// Before it is read: a newcomer with a taken id is refused whatever is in it.
	if t, _, _, err := h.registry.Get(id); err == nil && t.Source != path {
		return fmt.Errorf("the id is taken by %s, which goes on", t.Source)
	}
	doc, err := config.ReadFile(path)
	if err == nil {
		_, _, err = h.registry.Put(ctx, id, doc, registry.PutOptions{Source: path})
	}
	if err != nil {
		h.registry.Refuse(id, path, err)
	}
	return err
}
