package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/hashicorp/go-hclog"
)

// files are a host's configuration files. The plugin manager gets the schemas of plugin blocks
// from the plugins.
type files struct {
	host    *config.Host
	plugins *plugins.Manager
	tenants []string        // paths of the tenant files
	unread  error           // the errors of tenant folders that cannot be read; nil if there are none
	ignored config.Problems // warnings about files with the name of a tenant file that are ignored
	log     hclog.Logger
}

// ignored returns the warning that a file in a tenant folder is not read, with the reason.
func ignored(path, why string) config.Problem {
	return config.Problem{Pos: config.Pos{File: path}, Message: "is ignored: " + why}
}

// pluginsCloseTimeout bounds how long withFiles waits for the plugins to stop.
const pluginsCloseTimeout = 10 * time.Second

// withFiles loads the files that the flags name, calls do with them, and then stops the
// plugins.
func withFiles(ctx context.Context, f *hostFlags, do func(*files) error) (err error) {
	h, err := config.LoadHost(config.LoadOptions{File: f.config, Overlay: f.overlay, Environ: os.Environ()})
	if err != nil {
		return err
	}
	out := &files{host: h}
	dirs := h.Settings.TenantDirs
	if f.tenantDirs != nil {
		dirs = f.tenantDirs
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			out.unread = errors.Join(out.unread, fmt.Errorf("tenant_dirs: %w", err))
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			switch is, why := tenantdir.IsTenantFile(e.Name()); {
			case is && e.IsDir():
				out.ignored = append(out.ignored, ignored(path, "it is a folder"))
			case is:
				out.tenants = append(out.tenants, path)
			case why != "" && !e.IsDir():
				out.ignored = append(out.ignored, ignored(path, why))
			}
		}
	}
	folders := h.Settings.PluginDirs
	if f.pluginDirs != nil {
		folders = f.pluginDirs
	}
	out.log = hclog.New(&hclog.LoggerOptions{Name: "botyard", Level: hclog.Error, Output: plain(os.Stderr)})
	dataDir, err := filepath.Abs(host.PluginData(h.Settings))
	if err != nil {
		return err
	}
	out.plugins, err = plugins.New(plugins.Options{Dirs: folders, Owners: f.hostOptions().Owners(), DataDir: dataDir, HostVersion: buildVersion().Version, Settings: h.Settings.Plugin, Log: out.log})
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pluginsCloseTimeout)
		defer cancel()
		err = errors.Join(err, out.plugins.Close(end))
	}()
	return do(out)
}

// tenantOf returns the id of the tenant that a tenant file configures.
func tenantOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// tenant returns the effective configuration of a tenant file, after the plugins have checked
// it.
func (f *files) tenant(ctx context.Context, path string) (*config.Effective, error) {
	doc, err := config.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e, err := f.host.Tenant(ctx, tenantOf(path), config.Documents{Operator: doc}, f.plugins)
	if err != nil {
		return nil, err
	}
	return e, host.Trial{Plugins: f.plugins, Config: f.host, Log: f.log, Dry: true}.Run(ctx, e)
}
