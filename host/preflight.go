package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/storage"
)

// Preflight says for what a host with these options would refuse the settings of its
// files at its start, beyond what the files say by themselves: folders that it cannot
// use, a key that it cannot read, and whatever Options.Preflight adds. Each problem
// has the key and, unless an option stands for the key, its position. It writes nothing.
// Open asks it first, and so does who only checks.
func Preflight(o Options, files *config.Host) config.Problems {
	s := o.over(files.Settings)
	var problems config.Problems
	add := func(err error, path ...string) {
		if err != nil {
			problems = append(problems, config.Problem{Path: path, Message: err.Error()})
		}
	}
	if o.keeps() {
		for _, dir := range []string{s.DataDir, filepath.Join(s.DataDir, lastGood), PluginData(s)} {
			add(usable(dir), "data_dir")
		}
		_, wrong := findKey(o, files)
		problems = append(problems, wrong...)
	}
	for i, dir := range s.TenantDirs {
		_, err := os.ReadDir(dir)
		add(err, "tenant_dirs", strconv.Itoa(i))
	}
	if o.Preflight != nil {
		problems = append(problems, o.Preflight(s)...)
	}
	refused, _ := powers(o, s)
	return o.place(files, append(problems, refused...))
}

// Warnings are what a host with these options would start in spite of, and somebody
// should know: plugin folders that are not there, and blocks of plugins that are not
// there, which may come later, and files that others than the host and root may change or
// read, where that gives them no power over the host itself.
func Warnings(o Options, files *config.Host, m *plugins.Manager) config.Problems {
	var warnings config.Problems
	for i, dir := range o.over(files.Settings).PluginDirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			warnings = append(warnings, config.Problem{
				Path: config.Path{"plugin_dirs", strconv.Itoa(i)}, Message: fmt.Sprintf("there is no folder %s; it has no plugins until there is", dir),
			})
		}
	}
	_, warned := powers(o, o.over(files.Settings))
	return append(o.place(files, append(warnings, warned...)), files.UnknownPluginBlocks(m.Known)...)
}

// warn logs the warnings.
func (h *Host) warn(warnings config.Problems) {
	for _, w := range warnings {
		h.log.Warn("host file", "warning", w.String())
	}
}

// place gives the problems their positions. What an option stands for has none.
func (o Options) place(files *config.Host, problems config.Problems) config.Problems {
	var given, ours config.Problems
	for _, p := range problems {
		if len(p.Path) == 0 {
			given = append(given, p) // it has one
			continue
		}
		switch key := p.Path[0]; {
		case key == "listen" && o.Listen != "", key == "plugin_dirs" && o.PluginDirs != nil, key == "tenant_dirs" && o.TenantDirs != nil:
			given = append(given, p)
		default:
			ours = append(ours, p)
		}
	}
	return append(files.WithPositions(ours), given...)
}

// RegistryStorage is config.Host's, and refuses also a plugin that keeps no tenants and
// secrets that cannot be read. Nothing is opened.
func RegistryStorage(ctx context.Context, cfg *config.Host, m *plugins.Manager) (config.Block, bool, error) {
	block, named, err := cfg.RegistryStorage(ctx, m)
	if err != nil || !named {
		return block, named, err
	}
	keeps, err := m.Serves(ctx, block.Kind, block.Plugin, storage.CapTenantStore)
	if err != nil {
		return block, true, fmt.Errorf("registry.storage: %w", err)
	}
	if !keeps {
		return block, true, cfg.WithPositions(config.Problems{{Path: config.Path{"registry", "storage", "backend"},
			Message: fmt.Sprintf("the storage plugin %q keeps no tenants", block.Plugin), Expected: "one with the capability " + storage.CapTenantStore}})
	}
	_, err = resolveRegistry(cfg, block)
	return block, true, err
}

// resolveRegistry is the block registry.storage as its plugin gets it.
func resolveRegistry(cfg *config.Host, block config.Block) (config.Resolved, error) {
	resolved, err := cfg.ResolveBlock(&config.Effective{}, block)
	var problems config.Problems
	if !errors.As(err, &problems) {
		return resolved, err
	}
	for i, p := range problems {
		problems[i].Path = append(config.Path{"registry", "storage"}, p.Path[1:]...)
	}
	return resolved, cfg.WithPositions(problems)
}

// usable says why the host cannot keep files in the folder below data_dir. One that is
// not there has to be possible to make.
func usable(dir string) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, os.ErrNotExist) && at != filepath.Dir(at):
			at = filepath.Dir(at)
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder", at)
		}
		const write, search = 2, 1
		if err := syscall.Access(at, write|search); err != nil {
			return fmt.Errorf("%s cannot be written to: %w", at, err)
		}
		return nil
	}
}
