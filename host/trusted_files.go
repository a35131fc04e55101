package host

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/trust"
)

// Owners returns the users whose files the host trusts beside its own and root's: the owners
// of the host file and the overlay. They can change what the host does in any case.
func (o Options) Owners() trust.Owners {
	return trust.Owners{}.WithOwnerOf(o.ConfigFile).WithOwnerOf(o.Overlay)
}

// checkPermissions returns which of the host's files users other than root, the host's and
// Options.Owners may change or read. Refused has those that give these users the host itself:
// a plugin runs as the host, and the key opens all that the host keeps. Warned has the
// others. A file that does not exist is not checked.
func checkPermissions(o Options, s config.Settings) (refused, warned config.Problems) {
	owners := o.Owners()
	refuse := func(err error, path ...string) { refused = append(refused, finding(err, path...)...) }
	warn := func(err error, path ...string) { warned = append(warned, finding(err, path...)...) }

	for i, dir := range s.PluginDirs {
		key := []string{"plugin_dirs", strconv.Itoa(i)}
		if err := owners.CheckPath(dir); err != nil {
			refuse(err, key...)
			continue
		}
		entries, _ := os.ReadDir(dir) // Warnings tells of the error
		for _, e := range entries {
			if discovery.IsPluginFile(e.Name()) {
				refuse(owners.CheckPath(filepath.Join(dir, e.Name())), key...)
			}
		}
	}
	if o.keepsData() {
		var f trust.Finding
		if err := owners.CheckTarget(s.DataDir); errors.As(err, &f) && f.Owner {
			warn(err, "data_dir")
		} else {
			refuse(err, "data_dir")
		}
		warn(owners.CheckParents(s.DataDir), "data_dir")
	}
	for i, dir := range s.TenantDirs {
		warn(owners.CheckPath(dir), "tenant_dirs", strconv.Itoa(i))
	}
	if s.SecretsDir != "" {
		warn(owners.CheckPath(s.SecretsDir), "secrets_dir")
	}
	if os.Geteuid() != 0 {
		owners = trust.Owners{} // a host that runs as root may have its files from any user
	}
	for _, file := range []string{o.ConfigFile, o.Overlay} {
		if file == "" {
			continue
		}
		for _, p := range finding(owners.CheckPath(file)) {
			p.Pos.File = file
			warned = append(warned, p)
		}
	}
	return refused, warned
}

// finding returns the problem of a key for what package trust found of a path; none for
// other errors, which mean that nothing is known.
func finding(err error, path ...string) config.Problems {
	var f trust.Finding
	if !errors.As(err, &f) {
		return nil
	}
	return config.Problems{{Path: path, Message: f.Path + " " + f.Problem, Mend: f.Mend}}
}
