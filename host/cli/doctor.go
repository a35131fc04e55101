package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

// These constants are the levels of a finding.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem" // the host would not start, or would soon fail
)

// finding is the result of one check.
type finding struct {
	Level  string `json:"level"`
	About  string `json:"about"` // the subject: configuration, files, key, plugin, tls, storage or machine
	Where  string `json:"where,omitempty"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"` // a shell command that solves the problem
}

func (d finding) String() string {
	out := d.Level + ": " + d.About + ": "
	if d.Where != "" {
		out += d.Where + ": "
	}
	out += d.What
	if d.Remedy != "" {
		out += "\n    " + d.Remedy
	}
	return out
}

// doctor runs the checks of the command doctor and collects their findings.
type doctor struct {
	found    []finding
	settings config.Settings
	now      time.Time
}

func (d *doctor) add(level, about, where, what string) {
	d.found = append(d.found, finding{Level: level, About: about, Where: where, What: what})
}

// addRemedy adds a shell command as the remedy of the last finding.
func (d *doctor) addRemedy(command string) { d.found[len(d.found)-1].Remedy = command }

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Check everything that a host needs on this machine, and print how to fix what is wrong",
		Long: strings.TrimSpace(`
Check everything that a host needs on this machine: the configuration (as 'config check' does), who may
change or read its files, its key, its plugins, its certificate, the folder for temporary files, disk space,
file descriptors, memory and the clock. Run it as the user that the host runs as, with the flags and the
environment of 'serve'. It starts the plugins to ask them, and writes only temporary files. A host may run
meanwhile.

With --connect it also opens each storage. That creates a database which does not exist yet.

The exit status is 3 if there is a problem, so that the host would not start, or would fail soon. A warning
does not change the exit status.`),
		Example: `  botyard doctor --config /etc/botyard/botyard.hcl`,
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	f.addListen(c)
	connect := c.Flags().Bool("connect", false, "also open the storages, which creates databases that do not exist")
	asJSON := addJSON(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		d := &doctor{now: time.Now()}
		d.examine(cmd.Context(), f, doctorOptions{connect: *connect})
		problems := 0
		for _, one := range d.found {
			if one.Level == levelProblem {
				problems++
			}
		}
		if *asJSON {
			if err := printJSON(cmd, struct {
				OK    bool      `json:"ok"`
				Found []finding `json:"found"`
			}{problems == 0, d.found}); err != nil {
				return err
			}
		} else {
			for _, one := range d.found {
				fmt.Fprintln(cmd.OutOrStdout(), one)
			}
		}
		if problems > 0 {
			return fmt.Errorf("%w: %s", errDoctorProblems, count(problems, "problem"))
		}
		return nil
	}
	return c
}

// doctorOptions choose the checks of a doctor.
type doctorOptions struct {
	connect bool // open the storages too
}

// examine runs all checks that o chooses. If a check cannot be run, examine adds a problem that
// says so.
func (d *doctor) examine(ctx context.Context, f *hostFlags, o doctorOptions) {
	c := &checkResult{tenants: []string{}}
	err := withFiles(ctx, f, func(files *files) error {
		d.settings = files.host.Settings
		if err := c.addFiles(ctx, f, files); err != nil {
			return err
		}
		d.key(files.host)
		d.secrets(ctx, f)
		d.plugins(ctx, files)
		if o.connect {
			d.storages(ctx, files)
		}
		return nil
	})
	if err := c.add(err); err != nil {
		d.add(levelProblem, "machine", "", err.Error())
	}
	d.certificate()
	d.data()
	d.machine()
	var files []finding
	for _, of := range []struct {
		level    string
		problems config.Problems
	}{{levelProblem, unique(c.problems)}, {levelWarning, c.warnings}} {
		for _, p := range of.problems {
			one := finding{Level: of.level, About: "configuration", Remedy: p.Mend}
			if p.Mend != "" {
				one.About = "files"
			}
			p.Mend = ""
			one.What = p.String()
			files = append(files, one)
		}
	}
	if len(c.problems) == 0 {
		files = append(files, finding{Level: levelOK, About: "configuration", Where: f.config, What: count(len(c.tenants), "tenant") + " of files"})
	}
	d.found = append(files, d.found...)
}

// errDoctorProblems says that the doctor has found problems, which are already printed.
var errDoctorProblems = errors.New("a host would not work here")
