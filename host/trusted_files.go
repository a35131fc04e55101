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

// Owners returns the owners of the host file and of the overlay file. The host trusts files of
// these users, in addition to files of root and of the host's own user, because these users
// control the host anyway.
func (o Options) Owners() trust.Owners {
	return trust.Owners{}.WithOwnerOf(o.ConfigFile).WithOwnerOf(o.Overlay)
}

// checkPermissions returns a problem for each of the host's files that an untrusted user may
// change or read. Trusted users are root, the host's own user and Options.Owners. refused has the
// files that would give the user control of the host: plugins, which the host runs, and data_dir,
// whose key decrypts all data of the host. warned has all other files. Files that do not exist
// are not checked.
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
		entries, _ := os.ReadDir(dir) // Warnings reports a missing folder
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
		owners = trust.Owners{} // a host that runs as root may use files of any user
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

// finding returns err as a problem of the key if package trust reported err about the file. For
// other errors it returns none, because they say nothing about the permissions of the file.
func finding(err error, path ...string) config.Problems {
	var f trust.Finding
	if !errors.As(err, &f) {
		return nil
	}
	return config.Problems{{Path: path, Message: f.Path + " " + f.Problem, Mend: f.Mend}}
}
