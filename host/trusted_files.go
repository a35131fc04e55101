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

// Owners returns the users whose files the host trusts, in addition to its own user and root:
// the owners of the host file and of the overlay. They control what the host does anyway.
func (o Options) Owners() trust.Owners {
	return trust.Owners{}.WithOwnerOf(o.ConfigFile).WithOwnerOf(o.Overlay)
}

// checkPermissions returns a problem for each of the host's files that other users may change
// or read: users other than root, the host's own and Options.Owners. refused has the files
// that give such a user control of the host: plugins, which run as the host, and data_dir,
// whose key opens all that the host keeps. warned has the other files. A file that does not
// exist is not checked.
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
		entries, _ := os.ReadDir(dir) // Warnings reports a folder that does not exist
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

// finding returns a problem of the key if err is a finding of package trust. It returns none
// for other errors: with them, nothing is known about the file.
func finding(err error, path ...string) config.Problems {
	var f trust.Finding
	if !errors.As(err, &f) {
		return nil
	}
	return config.Problems{{Path: path, Message: f.Path + " " + f.Problem, Mend: f.Mend}}
}
