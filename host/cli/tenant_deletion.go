package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/archive"
	"github.com/spf13/cobra"
)

// printCounts prints what was deleted in each storage.
func printCounts(cmd *cobra.Command, counts archive.Counts) error {
	if len(counts) == 0 {
		return nil
	}
	rows := [][]string{{"STORAGE", "DIGEST", "INCARNATION", "CONVERSATIONS", "TURNS"}}
	for _, c := range counts {
		turns := strconv.FormatInt(c.Turns, 10)
		if c.Abandoned {
			turns += " (abandoned)"
		}
		rows = append(rows, []string{c.Storage, short(c.Digest), orDash(short(c.Incarnation)), strconv.FormatInt(c.Conversations, 10), turns})
	}
	return printTable(cmd, rows)
}

// deletion has the flags that the commands tenant erase and tenant purge share.
type deletion struct {
	yes     bool
	abandon []string
}

func addDeletion(c *cobra.Command) *deletion {
	d := new(deletion)
	c.Flags().BoolVar(&d.yes, "yes", false, "do not ask for confirmation; needed without a terminal")
	c.Flags().StringArrayVar(&d.abandon, "abandon", []string{}, "`DIGEST` of a storage that is lost, whose content is not deleted; can be repeated")
	return d
}

// run asks for a confirmation, sends the request, shows the progress, and decodes the last line
// of the response into result.
func (d *deletion) run(cmd *cobra.Command, host *remoteFlags, id, operation, what string, body, result any) error {
	path, err := tenantPath(id)
	if err != nil {
		return err
	}
	if err := d.confirm(cmd, id, what); err != nil {
		return err
	}
	client, err := host.client()
	if err != nil {
		return err
	}
	resp, err := client.send(cmd.Context(), http.MethodPost, path+operation, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p := newProgress(cmd.ErrOrStderr())
	defer p.end()
	in := bufio.NewReader(resp.Body)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("the answer broke off: %w; the host stops there, and to repeat the command goes on", err)
		}
		var kind struct {
			Type  string `json:"type"`
			Turns int64  `json:"turns"`
		}
		if err := json.Unmarshal(line, &kind); err != nil {
			return fmt.Errorf("the host at %s answered with what is not its API: %w", client.base, err)
		}
		switch kind.Type {
		case "progress":
			p.show("%s: %d turns are deleted", id, kind.Turns)
		case archive.TypeError:
			return lineError(bytes.TrimSpace(line))
		case "result":
			return json.Unmarshal(line, result)
		}
	}
}

// confirm asks the user at the terminal for a confirmation. If the input is not a terminal, the
// flag --yes is needed, and confirm returns an error without it.
func (d *deletion) confirm(cmd *cobra.Command, id, what string) error {
	if d.yes {
		return nil
	}
	if !isTerminal(cmd.InOrStdin()) {
		return usage(fmt.Errorf("this deletes %s, for good, and there is no terminal to ask on; give --yes if that is wanted", what))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "This deletes %s, for good. Type the tenant's id to go on: ", what)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != id {
		return errors.New("nothing is deleted")
	}
	return nil
}
