package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Check and explain configuration files; have a running host read them again", RunE: needsCommand,
	}
	c.AddCommand(newConfigCheck(), newConfigExplain(), newConfigReload())
	return c
}

func newConfigCheck() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Report everything that is wrong in the host file and all tenant files",
		Long: "Report everything that is wrong in the host file and all tenant files, each as\nfile:line:column: key: problem; what was expected. What a plugin's block may have, the\nplugin itself is asked: its binary has to be in the plugin folders. Files in a tenant folder that look\nlike a tenant's and are none are warned of; they are no problem.",
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	f.addListen(c)
	asJSON := addJSON(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		found, err := check(cmd.Context(), f)
		if err != nil {
			return err
		}
		problems, tenants := found.problems, found.tenants
		if *asJSON {
			report := struct {
				OK       bool                `json:"ok"`
				Tenants  []string            `json:"tenants"`
				Problems []api.ConfigProblem `json:"problems"`
				Warnings []api.ConfigProblem `json:"warnings"`
			}{len(problems) == 0, tenants, api.ConfigProblems(problems), api.ConfigProblems(found.warnings)}
			if err := printJSON(cmd, report); err != nil {
				return err
			}
		} else {
			for _, w := range found.warnings {
				fmt.Fprintln(cmd.OutOrStdout(), "warning: "+w.String())
			}
			said := problems.Error()
			if len(problems) == 0 {
				said = fmt.Sprintf("%s and %s are valid", f.config, count(len(tenants), "tenant"))
			}
			fmt.Fprintln(cmd.OutOrStdout(), said)
		}
		if len(problems) > 0 {
			return fmt.Errorf("%w: %s", errInvalid, count(len(problems), "problem"))
		}
		return nil
	}
	return c
}

func newConfigExplain() *cobra.Command {
	c := &cobra.Command{
		Use: "explain TENANT", Short: "Print every effective key of a tenant, and who set it", Args: cobra.ExactArgs(1),
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	asJSON := addJSON(c)
	policy := c.Flags().Bool("policy", false, "print what the tenant itself may do with each key, and what would let it")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := config.ValidTenantID(args[0]); err != nil {
			return usage(err)
		}
		return withFiles(cmd.Context(), f, func(files *files) error {
			var known []string
			for _, path := range files.tenants {
				id := tenantOf(path)
				known = append(known, id)
				if id != args[0] {
					continue
				}
				e, err := files.tenant(cmd.Context(), path)
				if err != nil {
					return err
				}
				if *asJSON {
					return printJSON(cmd, api.NewEffective(e))
				}
				if *policy {
					return printPolicy(cmd, api.NewEffective(e).Config)
				}
				return printEntries(cmd, api.NewEffective(e).Config)
			}
			if files.unread != nil {
				return files.unread
			}
			return fmt.Errorf("no tenant folder has a file of %q; there are %s", args[0], strings.Join(known, ", "))
		})
	}
	return c
}

// files are a host's configuration files, and the plugins that know what may be in
// them.
type files struct {
	host    *config.Host
	plugins *plugins.Manager
	tenants []string        // paths
	unread  error           // tenant folders that cannot be read
	ignored config.Problems // files in them that look like a tenant's, and bring none
	log     hclog.Logger
}

func ignored(path, why string) config.Problem {
	return config.Problem{Pos: config.Pos{File: path}, Message: "is ignored: " + why}
}

// pluginsEnd bounds how long plugins may take to end.
const pluginsEnd = 10 * time.Second

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
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pluginsEnd)
		defer cancel()
		err = errors.Join(err, out.plugins.Close(end))
	}()
	return do(out)
}

func tenantOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

func (f *files) tenant(ctx context.Context, path string) (*config.Effective, error) {
	doc, err := config.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e, err := f.host.Tenant(ctx, tenantOf(path), config.Documents{Operator: doc}, f.plugins)
	if err != nil {
		return nil, err
	}
	return e, host.Probe(ctx, f.plugins, f.host, e, true, f.log)
}

// checked is what a check found.
type checked struct {
	problems, warnings config.Problems
	tenants            []string // ids of those without problems
}

func (c *checked) add(err error) error {
	var found config.Problems
	if err != nil && !errors.As(err, &found) {
		return err
	}
	c.problems = append(c.problems, found...)
	return nil
}

// addFiles adds the problems and warnings of files that could be read.
func (c *checked) addFiles(ctx context.Context, f *hostFlags, files *files) error {
	// As serve does, before anything is made.
	o := f.hostOptions()
	c.problems = host.Preflight(o, files.host)
	c.warnings = append(host.Warnings(o, files.host, files.plugins), files.ignored...)
	if err := c.add(files.host.CheckDefaults(ctx, files.plugins)); err != nil {
		return err
	}
	if _, _, err := host.RegistryStorage(ctx, files.host, files.plugins); c.add(err) != nil {
		return err
	}
	first := map[string]string{}
	for _, path := range files.tenants {
		id := tenantOf(path)
		if other, taken := first[id]; taken {
			c.problems = append(c.problems, config.Problem{
				Pos: config.Pos{File: path}, Message: fmt.Sprintf("the tenant %q is that of %s already", id, other), Expected: "one file for each tenant",
			})
			continue
		}
		first[id] = path
		_, err := files.tenant(ctx, path)
		if err == nil {
			c.tenants = append(c.tenants, id)
		}
		if err := c.add(err); err != nil {
			return err
		}
	}
	return nil
}

// check finds all problems of all files.
func check(ctx context.Context, f *hostFlags) (*checked, error) {
	c := &checked{tenants: []string{}}
	err := withFiles(ctx, f, func(files *files) error { return c.addFiles(ctx, f, files) })
	err = c.add(err) // host files that cannot be read are problems too
	c.problems = unique(c.problems)
	return c, err
}

// unique leaves out what every tenant inherits and so reports again.
func unique(problems config.Problems) config.Problems {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(p config.Problem) bool {
		text := p.String()
		again := seen[text]
		seen[text] = true
		return again
	})
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
