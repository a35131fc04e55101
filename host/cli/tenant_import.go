package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantImport(host *remoteFlags, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "import TENANT [FILE]", Short: "Import the conversations of an export", Args: cobra.RangeArgs(1, 2),
		Long: strings.TrimSpace(`
Import the conversations of an export into the storage of a tenant, which may have another
id. The export comes from FILE or from standard input. Conversations that exist already
are not changed, so an import that was interrupted can be repeated. Turns that were
running when they were exported are imported as interrupted.

The tenant must be registered, and keeps its configuration. With --register, a tenant that
is not registered gets the configuration of the export, if that has no secrets.`),
		Example: `  botyard tenant import acme acme.ndjson`,
	}
	register := c.Flags().Bool("register", false, "register the tenant with the configuration of the export, if it is not registered")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := tenantPath(args[0])
		if err != nil {
			return err
		}
		path += "/import"
		if *register {
			path += "?register=true"
		}
		in, done, err := importFrom(cmd, args[1:])
		if err != nil {
			return err
		}
		defer done()
		client, err := host.client()
		if err != nil {
			return err
		}
		defer in.progress.end()
		resp, err := client.sendBody(cmd.Context(), http.MethodPost, path, nil, "application/x-ndjson", in)
		if in.err != nil {
			return fmt.Errorf("the export cannot be read on, and to repeat the import is safe: %w", in.err)
		}
		var result api.Imported
		if err == nil {
			defer resp.Body.Close()
			err = client.decode(resp.Body, http.MethodPost, &result)
		}
		var broken *brokenError
		if errors.As(err, &broken) {
			return fmt.Errorf("%w: it goes on with what is not there yet", err)
		}
		if err != nil {
			return err
		}
		in.progress.end()
		if *asJSON {
			return printJSON(cmd, result)
		}
		printImported(cmd, args[0], result)
		return nil
	}
	return c
}

// importFrom opens the file with the export, or standard input. The caller calls done, which
// closes the file.
func importFrom(cmd *cobra.Command, args []string) (in *uploadReader, done func(), err error) {
	in = &uploadReader{from: cmd.InOrStdin(), progress: newProgress(cmd.ErrOrStderr())}
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(in.from) {
			return nil, nil, usage(errors.New("an export is expected, as FILE or from a pipe"))
		}
		return in, func() {}, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, nil, err
	}
	in.from = f
	return in, func() { _ = f.Close() }, nil
}

// uploadReader is the body of a request. It shows how many bytes were sent.
type uploadReader struct {
	from     io.Reader
	progress *progress
	bytes    int64
	err      error // an error of reading from, except io.EOF
}

// Read implements io.Reader.
func (s *uploadReader) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	s.bytes += int64(n)
	s.progress.show("%s are sent", size(s.bytes))
	return n, err
}

// printImported prints the counts of an import.
func printImported(cmd *cobra.Command, id string, r api.Imported) {
	out := cmd.OutOrStdout()
	if r.Registered {
		fmt.Fprintf(out, "tenant %s is registered\n", id)
	}
	fmt.Fprintf(out, "%s of %s are imported into tenant %s", count(int(r.Turns), "turn"), count(int(r.Conversations), "conversation"), id)
	if r.Present > 0 {
		fmt.Fprintf(out, "; %d were there already", r.Present)
	}
	fmt.Fprintln(out)
	if r.Interrupted > 0 {
		fmt.Fprintf(out, "%d of them were running when they were exported, and are interrupted now\n", r.Interrupted)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(out, "%s left out: later ones have the same ids\n", count(int(r.LeftOut), "older conversation"))
	}
}
