package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
)

// Preflight returns why a host with these options would not start with its files, although
// the files are right in themselves: folders that it cannot use, files that other users may
// change, a key that it cannot read, and the problems that Options.Preflight returns. Each
// problem has its key, and its position unless an option replaces the key. Preflight writes
// nothing. Open calls it before it writes or starts anything. Programs call it to check the
// files alone.
func Preflight(o Options, files *config.Host) config.Problems {
	s := o.over(files.Settings)
	var problems config.Problems
	add := func(err error, path ...string) {
		if err != nil {
			problems = append(problems, config.Problem{Path: path, Message: err.Error()})
		}
	}
	if o.keepsData() {
		for _, dir := range []string{s.DataDir, filepath.Join(s.DataDir, lastGood), PluginData(s)} {
			add(checkWritable(dir), "data_dir")
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
	refused, _ := checkPermissions(o, s)
	return o.place(files, append(problems, refused...))
}

// Warnings returns what the operator should know, but does not keep a host with these options
// from starting: plugin folders and plugins that do not exist yet, and files that other users
// may change or read without gaining control of the host by that.
func Warnings(o Options, files *config.Host, m *plugins.Manager) config.Problems {
	var warnings config.Problems
	for i, dir := range o.over(files.Settings).PluginDirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			warnings = append(warnings, config.Problem{
				Path: config.Path{"plugin_dirs", strconv.Itoa(i)}, Message: fmt.Sprintf("there is no folder %s; it has no plugins until there is", dir),
			})
		}
	}
	_, warned := checkPermissions(o, o.over(files.Settings))
	return append(o.place(files, append(warnings, warned...)), files.UnknownPluginBlocks(m.Known)...)
}

// logWarnings logs the warnings.
func (h *Host) logWarnings(warnings config.Problems) {
	for _, w := range warnings {
		h.log.Warn("host file", "warning", w.String())
	}
}

// place returns the problems with their positions in the files. If an option replaces the key
// of a problem, the problem has no position.
func (o Options) place(files *config.Host, problems config.Problems) config.Problems {
	var given, ours config.Problems
	for _, p := range problems {
		if len(p.Path) == 0 {
			given = append(given, p) // its position is set already
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

// checkWritable returns why the host cannot keep files in the folder; nil if it can. If the
// folder does not exist, the host must be able to make it.
func checkWritable(dir string) error {
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
