package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/archive"
	"github.com/spf13/cobra"
)

func newTenantExport(host *remote, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "export TENANT", Short: "Write a tenant's configuration and conversations as lines of JSON", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Write a tenant's configuration, without its secrets, and all of its conversations as lines
of JSON, which botyard tenant import reads. A removed tenant can be exported too.

With --user, only what that user wrote and owns, and no configuration: conversations that
are the user's and in which no other user wrote, and of others the user's turns. Each
conversation is as it was when it was read. An export whose last line is not of the type
"end" is cut off; the exit status is 1 then.`),
		Example: `  botyard tenant export acme > acme.ndjson
  botyard tenant export acme --url https://old | botyard tenant import acme --register --url https://new`,
	}
	user := c.Flags().String("user", "", "`ID` of the user whose conversations and turns are wanted")
	current := c.Flags().Bool("current", false, "leave out the storages that the tenant used before, which may be there no more")
	output := c.Flags().StringP("output", "o", "", "`FILE` to write to, which is there once the export is whole")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := tenantPath(args[0])
		if err != nil {
			return err
		}
		query := url.Values{"current": {strconv.FormatBool(*current)}}
		if cmd.Flags().Changed("user") {
			query.Set("user", *user)
		}
		path += "/export?" + query.Encode()
		client, err := host.client()
		if err != nil {
			return err
		}
		resp, err := client.send(cmd.Context(), http.MethodGet, path, nil, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		x := &exporting{progress: newProgress(cmd.ErrOrStderr()), tenant: args[0]}
		if *output == "" {
			return x.copy(cmd.OutOrStdout(), resp.Body)
		}
		if err := x.toFile(*output, resp.Body); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, map[string]any{"tenant": args[0], "file": *output, "conversations": x.conversations, "turns": x.turns})
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s and %s of tenant %s are in %s\n", count(x.conversations, "conversation"), count(x.turns, "turn"), args[0], *output)
		return nil
	}
	return c
}

// exporting copies an export and sees to it that it is whole.
type exporting struct {
	progress             *progress
	tenant               string
	conversations, turns int
	bytes                int64
}

// toFile writes the file once the export is whole. Others may not read it: it has
// what people wrote.
func (x *exporting) toFile(name string, from io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(x.copy(f, from), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

var (
	conversationLine = []byte(`{"type":"` + archive.TypeConversation + `"`)
	turnLine         = []byte(`{"type":"` + archive.TypeTurn + `"`)
	endLine          = []byte(`{"type":"` + archive.TypeEnd + `"`)
	errorLine        = []byte(`{"type":"` + archive.TypeError + `"`)
)

// copy holds no more than a part of a line, which can be long; but for an error's,
// which is also the result.
func (x *exporting) copy(to io.Writer, from io.Reader) error {
	defer x.progress.end()
	in := bufio.NewReaderSize(from, 64<<10)
	start, ended := true, false
	var failure []byte // begins with the line of an error
	for {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 && start {
			switch {
			case bytes.HasPrefix(part, conversationLine):
				x.conversations++
			case bytes.HasPrefix(part, turnLine):
				x.turns++
			case bytes.HasPrefix(part, endLine):
				ended = true
			case bytes.HasPrefix(part, errorLine):
				failure = append(failure, part...)
			}
		}
		if len(part) > 0 {
			start = part[len(part)-1] == '\n'
		}
		if _, err := to.Write(part); err != nil {
			return err
		}
		x.bytes += int64(len(part))
		x.progress.show("%s: %s, %s, %s", x.tenant, count(x.conversations, "conversation"), count(x.turns, "turn"), size(x.bytes))
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case failure != nil:
			return failed(failure)
		case errors.Is(err, io.EOF) && ended && start:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the export broke off: its end is missing; nothing is changed by an export: repeat it")
		default:
			return fmt.Errorf("the export broke off: %w; nothing is changed by an export: repeat it", err)
		}
	}
}

// failed gives the error of the line that says why an answer ends early.
func failed(line []byte) error {
	var last api.ErrorLine
	if err := json.Unmarshal(line, &last); err != nil || last.Problem == nil {
		return errors.New("the answer broke off with an error that cannot be read")
	}
	return &remoteError{*last.Problem}
}
