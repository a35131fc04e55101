package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

// hostFlags are those of the commands that open a host.
type hostFlags struct {
	config, overlay, listen string
	pluginDirs, tenantDirs  []string
	logLevel                string
	logJSON                 bool
}

func addHostFlags(c *cobra.Command, configFile, logLevel string) *hostFlags {
	f := new(hostFlags)
	f.addFiles(c, configFile)
	f.addListen(c)
	c.Flags().StringVar(&f.logLevel, "log-level", logLevel, "trace, debug, info, warn, error or off")
	c.Flags().BoolVar(&f.logJSON, "log-json", false, "log JSON lines")
	return f
}

// addFiles adds what says where configuration and plugins are.
func (f *hostFlags) addFiles(c *cobra.Command, configFile string) {
	flags := c.Flags()
	flags.StringVar(&f.config, "config", configFile, "host `FILE`, HCL, YAML or JSON")
	flags.StringVar(&f.overlay, "overlay", "", "`FILE` laid over the host file")
	flags.StringArrayVar(&f.pluginDirs, "plugin-dir", nil, "`FOLDER` of plugin binaries; may be given again; stands for the key plugin_dirs")
	flags.StringArrayVar(&f.tenantDirs, "tenant-dir", nil, "`FOLDER` of tenant files; may be given again; stands for the key tenant_dirs")
}

func (f *hostFlags) addListen(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "listen", "", "`ADDRESS` and port to serve on; stands for the key listen")
}

// hostOptions are those that the flags say.
func (f *hostFlags) hostOptions() host.Options {
	return host.Options{
		ConfigFile: f.config, Overlay: f.overlay, Environ: os.Environ(), Listen: f.listen,
		PluginDirs: f.pluginDirs, TenantDirs: f.tenantDirs, Preflight: api.Preflight,
	}
}

func (f *hostFlags) options(cmd *cobra.Command) (host.Options, error) {
	if f.config == "" {
		return host.Options{}, usage(errors.New("--config FILE is missing"))
	}
	log, err := newLog(cmd, f.logLevel, f.logJSON)
	o := f.hostOptions()
	o.Log = log
	if out, ok := cmd.ErrOrStderr().(*outlet); ok {
		o.DroppedLogLines = out.dropped.Load
	}
	return o, err
}

func newServe() *cobra.Command {
	c := &cobra.Command{
		Use: "serve --config FILE", Short: "Serve the tenants of a configuration",
		Long: strings.TrimSpace(`
Serve the tenants of a configuration, and those that are registered over HTTP.

A tenant file that is invalid is reported and not served; the others are. On
SIGTERM or SIGINT /readyz fails; shutdown_delay (0 seconds) later nothing new is
taken, requests at work get shutdown_grace (20 seconds) to end, and the plugins end. A
second signal leaves them no more time.

Environment variables BOTYARD__A__B set the key a.b of the host file.`),
		Example: `  botyard serve --config configs/botyard.hcl --listen 127.0.0.1:9000`,
	}
	f := addHostFlags(c, "", "info")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(cmd)
		if err != nil {
			return err
		}
		cmd.SetOut(newOutlet(cmd.OutOrStdout(), nil))
		return hosting{options: o, ready: func(_ context.Context, _ *host.Host, url string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "listening on "+url)
			return nil
		}}.run(cmd.Context())
	}
	return c
}
