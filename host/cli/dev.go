package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

const sampleConfig = "configs/botyard.hcl"

func newDev() *cobra.Command {
	c := &cobra.Command{
		Use: "dev", Short: "Serve the sample tenants with what is on this machine",
		Long: strings.TrimSpace(`
Serve the sample tenants with what is on this machine.

If the configuration asks for Ollama, dev looks once for a server at OLLAMA_HOST
(127.0.0.1:11434 by default). If a server answers, dev uses it with the configured model,
or with one that is installed. If none answers, dev says so and uses the offline echo
provider. serve never does that: it uses what is configured, or fails.`),
	}
	f := addHostFlags(c, sampleConfig, "warn")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(cmd)
		if err != nil {
			return err
		}
		p, err := chooseProvider(cmd.Context(), f.config, o.Environ)
		if err != nil {
			return err
		}
		o.Environ = append(p.environ, o.Environ...)
		cmd.SetOut(newAsyncWriter(cmd.OutOrStdout(), nil))
		return hostRunner{interactive: true, options: o, ready: func(ctx context.Context, h *host.Host, url string) error {
			announce(ctx, cmd.OutOrStdout(), h, url, p)
			return nil
		}}.run(cmd.Context())
	}
	return c
}

// maxAnnounced bounds how many tenants announce prints.
const maxAnnounced = 20

// announce prints the URL, the provider and the tenants of the host, and commands to try.
func announce(ctx context.Context, out io.Writer, h *host.Host, url string, p provider) {
	var served, refused []string
	tenants, _, err := h.Registry().List(ctx, "", maxAnnounced)
	if err != nil {
		fmt.Fprintf(out, "the tenants cannot be listed: %v\n", err)
	}
	for _, t := range tenants {
		if t.Removed {
			continue
		}
		if t.Revision == "" {
			refused = append(refused, fmt.Sprintf("%s: %v", t.ID, t.Err))
			continue
		}
		served = append(served, t.ID)
	}
	fmt.Fprintf(out, "listening on %s\nprovider: %s\ntenants: %s\n", url, p, strings.Join(served, ", "))
	for _, why := range refused {
		fmt.Fprintf(out, "not served: %s\n", why)
	}
	if len(served) == 0 {
		return
	}
	var header, flag string
	if h.Settings().Auth.Mode == config.AuthToken {
		header, flag = ` -H "Authorization: Bearer $(cat GATEWAY_TOKEN_FILE)"`, " --token-file GATEWAY_TOKEN_FILE"
	}
	fmt.Fprintf(out, `
Try it, in another terminal:

  curl -s %s/api/v1/chat%s -H 'Content-Type: application/json' -H 'X-Tenant-ID: %s' \
    -d '{"conversation_id":"first","message":"How do I reset my password?"}'

  %s chat %s%s%s

Ctrl-C stops it.
`, url, header, served[0], program(), served[0], urlFlag(url), flag)
}

// program returns the path with which a user calls this program from the current folder.
func program() string {
	path := os.Args[0]
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, path); err == nil && filepath.IsAbs(path) && !strings.HasPrefix(relative, "..") {
			return relative
		}
	}
	return path
}

// urlFlag returns the flag --url with the URL. It returns "" if url is the default of the flag.
func urlFlag(url string) string {
	if url == defaultURL {
		return ""
	}
	return " --url " + url
}
