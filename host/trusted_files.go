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

// Owners are the users whose files the host trusts: who may change the files that say what
// the host does needs no other file for it.
func (o Options) Owners() trust.Owners {
	return trust.Owners{}.WithOwnerOf(o.ConfigFile).WithOwnerOf(o.Overlay)
}

// powers says what power others than root and the host's user have over the host's files.
// Refused is what gives them the host: who can change a plugin runs as the host, and who
// can read or change its key has all that it keeps. Warned is of the rest. What is not
// there has no owner, and is no problem here.
func powers(o Options, s config.Settings) (refused, warned config.Problems) {
	owners := o.Owners()
	refuse := func(err error, path ...string) { refused = append(refused, finding(err, path...)...) }
	warn := func(err error, path ...string) { warned = append(warned, finding(err, path...)...) }

	for i, dir := range s.PluginDirs {
		key := []string{"plugin_dirs", strconv.Itoa(i)}
		if err := owners.CheckPath(dir); err != nil {
			refuse(err, key...)
			continue
		}
		entries, _ := os.ReadDir(dir) // said elsewhere
		for _, e := range entries {
			if discovery.IsPluginFile(e.Name()) {
				refuse(owners.CheckPath(filepath.Join(dir, e.Name())), key...)
			}
		}
	}
	if o.keeps() {
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
		owners = trust.Owners{} // root looks after others' files
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

// finding is what is known of a path as a problem of a key.
func finding(err error, path ...string) config.Problems {
	var f trust.Finding
	if !errors.As(err, &f) {
		return nil // nothing is known against it
	}
	return config.Problems{{Path: path, Message: f.Path + " " + f.Problem, Mend: f.Mend}}
}
