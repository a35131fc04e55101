package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/botyard/botyard/host"
	"github.com/spf13/cobra"
)

func newServe() *cobra.Command {
	c := &cobra.Command{
		Use: "serve --config FILE", Short: "Serve the tenants of a configuration",
		Long: strings.TrimSpace(`
Serve the tenants of a configuration, and those that are registered over HTTP.

An invalid tenant file is reported and its tenant is not served; the others are.

On SIGTERM or SIGINT /readyz fails. shutdown_delay (0 seconds) later new requests are
refused, and running requests get shutdown_grace (20 seconds) to finish. Then the plugins
end. A second signal takes the remaining time away. On SIGHUP the host reloads its files.

The environment variable BOTYARD__A__B sets the key a.b of the host file.`),
		Example: `  botyard serve --config configs/botyard.hcl --listen 127.0.0.1:9000`,
	}
	f := addHostFlags(c, "", "info")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(cmd)
		if err != nil {
			return err
		}
		cmd.SetOut(newAsyncWriter(cmd.OutOrStdout(), nil))
		return hostRunner{options: o, ready: func(_ context.Context, _ *host.Host, url string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "listening on "+url)
			return nil
		}}.run(cmd.Context())
	}
	return c
}
