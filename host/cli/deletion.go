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

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/archive"
	"github.com/spf13/cobra"
)

func newTenantErase(host *remote, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "erase TENANT", Short: "Delete all conversations of a tenant, or of one of its users", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Delete all conversations of a tenant, in every storage that the tenant used. The tenant
stays registered, and is served. What was interrupted is repeated.

With --user, what that user wrote and owns: conversations that are the user's and in which
no other user wrote are deleted; in others the user's turns are emptied.

It asks first; where there is no terminal to ask on, it needs --yes.`),
	}
	user := c.Flags().String("user", "", "`ID` of the user whose conversations and turns are deleted")
	d := addDeletion(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		body := map[string]any{"abandon": d.abandon}
		what := "all conversations of tenant " + args[0]
		if cmd.Flags().Changed("user") {
			body["user"] = *user
			what = "all that one user wrote and owns of tenant " + args[0]
		}
		var done api.ErasedLine
		if err := d.run(cmd, host, args[0], "/erase", what, body, &done); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, done.Erased)
		}
		emptied := ""
		if done.Emptied > 0 {
			emptied = fmt.Sprintf("; %s in conversations with other users emptied", count(int(done.Emptied), "turn"))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s and %s of tenant %s are deleted%s\n", count(int(done.Conversations), "conversation"), count(int(done.Turns), "turn"), done.Tenant, emptied)
		return printCounts(cmd, done.Storages)
	}
	return c
}

func newTenantPurge(host *remote, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "purge TENANT", Short: "Delete all that there is of a tenant, for good", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Delete all that there is of a tenant, for good: it is served no longer; what it wrote is
deleted in every storage that it used; then its registration with all earlier versions. What
is kept is a receipt with the counts, which botyard tenant history shows. The id is free
then, and starts empty. A tenant that was removed is purged just so; one of a file is not,
while the file is there.

A purge that was interrupted leaves the tenant removed, and is repeated. It asks first;
where there is no terminal to ask on, it needs --yes.`),
	}
	d := addDeletion(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var done api.PurgedLine
		if err := d.run(cmd, host, args[0], "/purge", "all that there is of tenant "+args[0], map[string]any{"abandon": d.abandon}, &done); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, done.Receipt)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "tenant %s is purged: %s, %s and %s of its registration are deleted\n", done.Tenant,
			count(int(done.Conversations), "conversation"), count(int(done.Turns), "turn"), count(int(done.Versions), "version"))
		return printCounts(cmd, done.Storages)
	}
	return c
}

func printCounts(cmd *cobra.Command, counts archive.Counts) error {
	if len(counts) == 0 {
		return nil
	}
	rows := [][]string{{"STORAGE", "DIGEST", "LIFE", "CONVERSATIONS", "TURNS"}}
	for _, c := range counts {
		turns := strconv.FormatInt(c.Turns, 10)
		if c.Abandoned {
			turns += " (abandoned)"
		}
		rows = append(rows, []string{c.Storage, short(c.Digest), orDash(short(c.Incarnation)), strconv.FormatInt(c.Conversations, 10), turns})
	}
	return printTable(cmd, rows)
}

// deletion is what erase and purge have in common.
type deletion struct {
	yes     bool
	abandon []string
}

func addDeletion(c *cobra.Command) *deletion {
	d := new(deletion)
	c.Flags().BoolVar(&d.yes, "yes", false, "do not ask; needed where there is no terminal")
	c.Flags().StringArrayVar(&d.abandon, "abandon", []string{}, "`DIGEST` of a storage that cannot be reached any more, whose content is left; may be given again")
	return d
}

// run asks, has the host delete, shows its progress, and reads the last line.
func (d *deletion) run(cmd *cobra.Command, host *remote, id, operation, what string, body, result any) error {
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
			return failed(bytes.TrimSpace(line))
		case "result":
			return json.Unmarshal(line, result)
		}
	}
}

// confirm asks whoever sits at the terminal. Where nobody does, nothing is deleted that
// was not confirmed beforehand.
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
