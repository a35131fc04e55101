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

// Preflight returns the problems because of which a host with these options would not start,
// although each file is valid by itself: folders that the host cannot use, files that other users
// may change, a key that the host cannot read, and the problems of Options.Preflight. Each
// problem names its key, and has a position if no option replaces the key. Preflight writes
// nothing. Open calls it before it writes or starts anything. A program calls it to check the
// files without starting the host.
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

// Warnings returns problems that do not keep a host with these options from starting: missing
// plugin folders and plugins, and files that other users may change or read without gaining
// control of the host.
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

func (h *Host) logWarnings(warnings config.Problems) {
	for _, w := range warnings {
		h.log.Warn("host file", "warning", w.String())
	}
}

// place adds positions in the host's files to the problems. A problem whose key an option
// replaces gets no position.
func (o Options) place(files *config.Host, problems config.Problems) config.Problems {
	var given, ours config.Problems
	for _, p := range problems {
		if len(p.Path) == 0 {
			given = append(given, p) // the problem already has a position
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

// checkWritable returns why the host cannot write files in the folder, or nil if it can. If the
// folder does not exist, checkWritable checks whether the host can create it.
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
