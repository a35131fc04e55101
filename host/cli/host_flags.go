package cli

import (
	"errors"
	"os"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

// hostFlags are the flags of the commands that open a host or read its files.
type hostFlags struct {
	config, overlay, listen string
	pluginDirs, tenantDirs  []string
	logLevel                string
	logJSON                 bool
}

// addHostFlags adds all flags of a command that opens a host.
func addHostFlags(c *cobra.Command, configFile, logLevel string) *hostFlags {
	f := new(hostFlags)
	f.addFiles(c, configFile)
	f.addListen(c)
	c.Flags().StringVar(&f.logLevel, "log-level", logLevel, "trace, debug, info, warn, error or off")
	c.Flags().BoolVar(&f.logJSON, "log-json", false, "log JSON lines")
	return f
}

// addFiles adds the flags that say where the configuration and the plugins are.
func (f *hostFlags) addFiles(c *cobra.Command, configFile string) {
	flags := c.Flags()
	flags.StringVar(&f.config, "config", configFile, "host `FILE`, HCL, YAML or JSON")
	flags.StringVar(&f.overlay, "overlay", "", "`FILE` whose keys override those of the host file")
	flags.StringArrayVar(&f.pluginDirs, "plugin-dir", nil, "`FOLDER` of plugin binaries; can be repeated; overrides the key plugin_dirs")
	flags.StringArrayVar(&f.tenantDirs, "tenant-dir", nil, "`FOLDER` of tenant files; can be repeated; overrides the key tenant_dirs")
}

// addListen adds the flag --listen.
func (f *hostFlags) addListen(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "listen", "", "`ADDRESS` and port to serve on; overrides the key listen")
}

// hostOptions returns the host's options from the flags, without a log.
func (f *hostFlags) hostOptions() host.Options {
	return host.Options{
		ConfigFile: f.config, Overlay: f.overlay, Environ: os.Environ(), Listen: f.listen,
		PluginDirs: f.pluginDirs, TenantDirs: f.tenantDirs, Preflight: api.Preflight,
	}
}

// options returns the host's options from the flags, with the log of the command.
func (f *hostFlags) options(cmd *cobra.Command) (host.Options, error) {
	if f.config == "" {
		return host.Options{}, usage(errors.New("--config FILE is missing"))
	}
	log, err := newLog(cmd, logOptions{level: f.logLevel, json: f.logJSON})
	o := f.hostOptions()
	o.Log = log
	if out, ok := cmd.ErrOrStderr().(*asyncWriter); ok {
		o.DroppedLogLines = out.dropped.Load
	}
	return o, err
}
