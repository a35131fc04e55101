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

func newTenantExport(host *remoteFlags, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "export TENANT", Short: "Write a tenant's configuration and conversations as lines of JSON", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Write a tenant's configuration without its secrets, and all of its conversations, as lines
of JSON. botyard tenant import reads them. A removed tenant can be exported too.

With --user, write what that user wrote and owns, and no configuration: the user's
conversations in which no other user wrote, and the user's turns of other conversations.

Each conversation is as it was when it was read. If the last line does not have the type
"end", the export is incomplete, and the exit status is 1.`),
		Example: `  botyard tenant export acme > acme.ndjson
  botyard tenant export acme --url https://old | botyard tenant import acme --register --url https://new`,
	}
	user := c.Flags().String("user", "", "`ID` of the user whose conversations and turns are wanted")
	current := c.Flags().Bool("current", false, "only read the storage that the tenant uses now, and not those that it used before")
	output := c.Flags().StringP("output", "o", "", "`FILE` to write to; it appears when the export is complete")
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
		x := &exportCopy{progress: newProgress(cmd.ErrOrStderr()), tenant: args[0]}
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

// exportCopy copies an export and checks that it is complete.
type exportCopy struct {
	progress             *progress
	tenant               string
	conversations, turns int
	bytes                int64
}

// toFile writes the export to a file. The file gets its name only when the export is complete.
// Only the file's owner may read it, because it contains conversations of users.
func (x *exportCopy) toFile(name string, from io.Reader) (err error) {
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

// These are the beginnings of lines of an export, by the type of the line.
var (
	conversationLine = []byte(`{"type":"` + archive.TypeConversation + `"`)
	turnLine         = []byte(`{"type":"` + archive.TypeTurn + `"`)
	endLine          = []byte(`{"type":"` + archive.TypeEnd + `"`)
	errorLine        = []byte(`{"type":"` + archive.TypeError + `"`)
)

// copy copies the export and counts its lines. Because lines can be long, copy holds only a
// part of a line in memory. If the export ends with a line of the type "error", copy returns
// the error in the line.
func (x *exportCopy) copy(to io.Writer, from io.Reader) error {
	defer x.progress.end()
	in := bufio.NewReaderSize(from, 64<<10)
	start, ended := true, false
	var failure []byte // the line of the type "error", as far as it is read
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
			return lineError(failure)
		case errors.Is(err, io.EOF) && ended && start:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the export broke off: its end is missing; nothing is changed by an export: repeat it")
		default:
			return fmt.Errorf("the export broke off: %w; nothing is changed by an export: repeat it", err)
		}
	}
}

// lineError returns the error in the last line of a response that ended early.
func lineError(line []byte) error {
	var last api.ErrorLine
	if err := json.Unmarshal(line, &last); err != nil || last.Problem == nil {
		return errors.New("the answer broke off with an error that cannot be read")
	}
	return &remoteError{*last.Problem}
}
