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

// files are a host's configuration files, with a plugin manager that asks the plugins for
// the schemas of their blocks.
type files struct {
	host    *config.Host
	plugins *plugins.Manager
	tenants []string        // paths of the tenant files
	unread  error           // the error of the tenant folders that cannot be read; nil for none
	ignored config.Problems // files in tenant folders that look like a tenant's and are not read
	log     hclog.Logger
}

// ignored returns the warning for a file that is not read.
func ignored(path, why string) config.Problem {
	return config.Problem{Pos: config.Pos{File: path}, Message: "is ignored: " + why}
}

// pluginsCloseTimeout bounds the end of the plugins.
const pluginsCloseTimeout = 10 * time.Second

// withFiles loads the files that the flags name, calls do, and ends the plugins.
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
	out.plugins, err = plugins.New(plugins.Options{Dirs: folders, Owners: f.hostOptions().Owners(), DataDir: dataDir, Settings: h.Settings.Plugin, Log: out.log})
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

// tenantOf returns the tenant that a file is for.
func tenantOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// tenant returns the effective configuration of a tenant file, checked by the plugins.
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
