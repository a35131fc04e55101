package cli

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/trust"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/spf13/cobra"
)

// The levels of what the doctor finds.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem" // the host does not start, or fails soon
)

// diagnosis is one thing that the doctor looked at.
type diagnosis struct {
	Level string `json:"level"`
	About string `json:"about"` // configuration, files, key, plugin, tls, storage or machine
	Where string `json:"where,omitempty"`
	What  string `json:"what"`
	Mend  string `json:"mend,omitempty"` // the shell command that mends it
}

func (d diagnosis) String() string {
	out := d.Level + ": " + d.About + ": "
	if d.Where != "" {
		out += d.Where + ": "
	}
	out += d.What
	if d.Mend != "" {
		out += "\n    " + d.Mend
	}
	return out
}

// doctor collects what is found.
type doctor struct {
	found    []diagnosis
	settings config.Settings
	now      time.Time
}

func (d *doctor) say(level, about, where, what string) {
	d.found = append(d.found, diagnosis{Level: level, About: about, Where: where, What: what})
}

// mend gives the last diagnosis its command.
func (d *doctor) mend(command string) { d.found[len(d.found)-1].Mend = command }

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Look at all that a host needs to start here, and say what is wrong and what mends it",
		Long: strings.TrimSpace(`
Look at all that a host needs to start here, before it does: what 'config check' finds, who may change
or read its files, its key, its plugins, its certificate, the folder for temporary files, room, file
descriptors, memory and the clock. Run it as the user whom the host runs as, with the flags and the environment of
'serve'. It starts the plugins to ask them and writes nothing but temporary files; a host may be at work meanwhile.

With --connect it opens each storage too, which makes a database that is not there yet.

The exit status is 3 if there is a problem: the host would not start, or fail soon. Warnings are no problem.`),
		Example: `  botyard doctor --config /etc/botyard/botyard.hcl`,
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	f.addListen(c)
	connect := c.Flags().Bool("connect", false, "open the storages too, and make their databases where they are not there")
	asJSON := addJSON(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		d := &doctor{now: time.Now()}
		d.examine(cmd.Context(), f, *connect)
		problems := 0
		for _, one := range d.found {
			if one.Level == levelProblem {
				problems++
			}
		}
		if *asJSON {
			if err := printJSON(cmd, struct {
				OK    bool        `json:"ok"`
				Found []diagnosis `json:"found"`
			}{problems == 0, d.found}); err != nil {
				return err
			}
		} else {
			for _, one := range d.found {
				fmt.Fprintln(cmd.OutOrStdout(), one)
			}
		}
		if problems > 0 {
			return fmt.Errorf("%w: %s", errUnfit, count(problems, "problem"))
		}
		return nil
	}
	return c
}

// examine looks at everything. What cannot be looked at is a problem itself.
func (d *doctor) examine(ctx context.Context, f *hostFlags, connect bool) {
	c := &checked{tenants: []string{}}
	err := withFiles(ctx, f, func(files *files) error {
		d.settings = files.host.Settings
		if err := c.addFiles(ctx, f, files); err != nil {
			return err
		}
		d.key(files.host)
		d.secrets(ctx, f)
		d.plugins(ctx, files)
		if connect {
			d.storages(ctx, files)
		}
		return nil
	})
	if err := c.add(err); err != nil {
		d.say(levelProblem, "machine", "", err.Error())
	}
	d.certificate()
	d.data()
	d.machine()
	var files []diagnosis
	for _, of := range []struct {
		level    string
		problems config.Problems
	}{{levelProblem, unique(c.problems)}, {levelWarning, c.warnings}} {
		for _, p := range of.problems {
			one := diagnosis{Level: of.level, About: "configuration", Mend: p.Mend}
			if p.Mend != "" {
				one.About = "files"
			}
			p.Mend = ""
			one.What = p.String()
			files = append(files, one)
		}
	}
	if len(c.problems) == 0 {
		files = append(files, diagnosis{Level: levelOK, About: "configuration", Where: f.config, What: count(len(c.tenants), "tenant") + " of files"})
	}
	d.found = append(files, d.found...)
}

func (d *doctor) key(h *config.Host) {
	file := filepath.Join(d.settings.DataDir, "host.key")
	switch {
	case d.settings.HostKey != "":
		d.say(levelOK, "key", "host_key", "is "+d.settings.HostKey)
	case isFile(file):
		d.say(levelOK, "key", file, "keep a copy of it: what the host seals opens with it alone")
	default:
		d.say(levelOK, "key", file, "is made at the first start; keep a copy of it then")
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// secrets warns of files with secrets that every user of the machine may read.
func (d *doctor) secrets(ctx context.Context, f *hostFlags) {
	told := map[string]bool{}
	tell := func(path string, mode fs.FileMode) {
		if told[path] {
			return
		}
		told[path] = true
		d.say(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may read the secret in it", mode))
		d.mend("chmod o= " + trust.Quote(path))
	}
	h, err := config.LoadHost(config.LoadOptions{File: f.config, Overlay: f.overlay, Environ: os.Environ(), OpenToAll: tell})
	if err == nil {
		_, _ = h.Tokens() // what is wrong with them was said
	}
	if file := d.settings.TLS.KeyFile; file != "" {
		if mode, open := readfile.OpenToAll(ctx, file); open {
			tell(file, mode)
		}
	}
}

// plugins asks each plugin that was found.
func (d *doctor) plugins(ctx context.Context, files *files) {
	rows := files.plugins.Status()
	if len(rows) == 0 {
		d.say(levelWarning, "plugin", strings.Join(d.settings.PluginDirs, ", "), "no plugin was found")
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.Kind+row.Name] {
			continue
		}
		seen[row.Kind+row.Name] = true
		where := row.Kind + " " + row.Name
		if _, err := files.plugins.Schema(ctx, row.Kind, row.Name); err != nil {
			d.say(levelWarning, "plugin", where, fault.Of(err).Message)
			continue
		}
		for _, now := range files.plugins.Status() {
			if now.Kind == row.Kind && now.Name == row.Name && now.Version != "" {
				row = now
			}
		}
		pinned := "nothing pins it"
		if d.settings.Plugin(row.Kind, row.Name).SHA256 != "" {
			pinned = "the host file pins it"
		} else if isFile(filepath.Join(filepath.Dir(row.Path), "botyard.lock")) {
			pinned = "botyard.lock pins it"
		}
		d.say(levelOK, "plugin", where, strings.TrimSpace(fmt.Sprintf("%s answers; %s has sha256 %s, and %s", row.Version, row.Path, row.SHA256, pinned)))
	}
}

// storageTimeout bounds the look at one storage.
const storageTimeout = 20 * time.Second

// storages opens each storage that the host file and the tenants' files name.
func (d *doctor) storages(ctx context.Context, files *files) {
	seen := map[[sha256.Size]byte]bool{}
	open := func(where string, e *config.Effective, b config.Block, registry bool) {
		resolved, err := files.host.ResolveBlock(e, b)
		if err != nil {
			return // said by the check
		}
		sum := sha256.Sum256(append([]byte(b.Plugin+"\x00"), resolved.Config...))
		if seen[sum] {
			return
		}
		seen[sum] = true
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		i, err := files.plugins.Open(ctx, plugins.Spec{Kind: b.Kind, Name: b.Plugin, Tenant: host.StorageScope, Config: resolved.Config, Secrets: resolved.Secrets})
		if err == nil {
			defer i.Close()
			if registry {
				_, err = i.Registry().TenantChanges(ctx, 0, 0)
			} else {
				_, err = i.Storage().List(ctx, &storage.ListRequest{Call: sdk.Call{Tenant: host.StorageScope}, Limit: 1})
			}
		}
		if err != nil {
			d.say(levelProblem, "storage", where, b.Plugin+" does not work: "+fault.Of(err).Message)
			return
		}
		d.say(levelOK, "storage", where, b.Plugin+" answers")
	}
	if block, named, err := host.RegistryStorage(ctx, files.host, files.plugins); err == nil && named {
		open("registry.storage", &config.Effective{}, block, true)
	}
	for _, path := range files.tenants {
		if e, err := files.tenant(ctx, path); err == nil {
			open(path, e, e.Storage, false)
		}
	}
}

// soonOver is when a certificate that ends is warned of.
const soonOver = 14 * 24 * time.Hour

func (d *doctor) certificate() {
	file := d.settings.TLS.CertFile
	if file == "" {
		return
	}
	text, err := readfile.Read(context.Background(), file, 1<<20)
	if err != nil {
		return // said by the check
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return
	}
	until := cert.NotAfter.UTC().Format(time.DateTime) + " UTC"
	switch {
	case d.now.After(cert.NotAfter):
		d.say(levelProblem, "tls", file, "the certificate ended at "+until)
	case d.now.Before(cert.NotBefore):
		d.say(levelProblem, "tls", file, "the certificate begins at "+cert.NotBefore.UTC().Format(time.DateTime)+" UTC; is the clock right?")
	case cert.NotAfter.Sub(d.now) < soonOver:
		d.say(levelWarning, "tls", file, "the certificate ends at "+until)
	default:
		d.say(levelOK, "tls", file, "the certificate is good until "+until)
	}
}

// dataMost bounds the files in data_dir that are looked at.
const dataMost = 10_000

// data looks at what is in data_dir: nobody but the host and its plugins has to do there.
func (d *doctor) data() {
	dir := d.settings.DataDir
	info, err := os.Stat(dir)
	if dir == "" || err != nil {
		return
	}
	inReach := info.Mode().Perm()&0o001 != 0 // others can reach what is below
	looked, told := 0, 0
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if looked++; looked > dataMost || told >= 20 || err != nil {
			return fs.SkipAll
		}
		info, err := e.Info()
		if err != nil || info.Mode()&fs.ModeSymlink != 0 || path == dir {
			return nil
		}
		if info.ModTime().After(d.now.Add(time.Minute)) && told == 0 {
			told++
			d.say(levelWarning, "machine", path, "was changed in the future: the clock of this machine is behind, or was ahead")
		}
		mode := info.Mode().Perm()
		switch {
		case mode&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
			told++
			d.say(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may change it", mode))
		case info.Mode().IsRegular() && mode&0o004 != 0 && inReach:
			told++
			d.say(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may read it", mode))
		default:
			return nil
		}
		d.mend("chmod o= " + trust.Quote(path))
		return nil
	})
}

// errUnfit is a host that would not work here; what is wrong was printed.
var errUnfit = errors.New("a host would not work here")
