package cli

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTurn() *cobra.Command {
	c := &cobra.Command{Use: "turn", Short: "Show how a reply was made", RunE: needsCommand}
	host := addRemote(c)
	asJSON := addJSON(c)
	show := &cobra.Command{
		Use: "show TENANT CONVERSATION TURN", Short: "Print a turn's record and, with --compose, what the model saw",
		Long: strings.TrimSpace(`
Print a turn: its state, how it was made, and its messages. TURN is the number that the
reply came with. With --sequence, TURN counts failed and interrupted turns too.

With --compose, print what the model was given, rebuilt from what was kept, and what was
not kept.`),
		Args: cobra.ExactArgs(3),
	}
	compose := show.Flags().Bool("compose", false, "rebuild what the model saw")
	sequence := show.Flags().Bool("sequence", false, "TURN counts all turns of the conversation")
	show.RunE = func(cmd *cobra.Command, args []string) error {
		query := url.Values{}
		if *compose {
			query.Set("compose", "true")
		}
		if *sequence {
			query.Set("by", "sequence")
		}
		path := fmt.Sprintf("/admin/v1/tenants/%s/conversations/%s/turns/%s",
			pathPart(args[0]), pathPart(args[1]), pathPart(args[2]))
		var shown api.InspectedTurn
		if err := get(cmd, host, path+"?"+query.Encode(), &shown); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, shown)
		}
		return printInspectedTurn(cmd, shown, *compose)
	}
	c.AddCommand(show)
	return c
}

// printInspectedTurn prints a turn with its messages. If composed is true, it prints the
// messages that the model saw in the turn instead.
func printInspectedTurn(cmd *cobra.Command, shown api.InspectedTurn, composed bool) error {
	t := shown.Turn
	rows := [][]string{{"state", t.State}}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, []string{key, value})
		}
	}
	if t.Turn != nil {
		add("turn", fmt.Sprint(*t.Turn))
	}
	add("sequence", fmt.Sprint(t.Sequence))
	add("reason", t.Reason)
	add("user", t.UserID)
	add("idempotency key", t.IdempotencyKey)
	if t.StartedAt != nil {
		add("started", *t.StartedAt)
	}
	if t.EndedAt != nil {
		add("ended", *t.EndedAt)
	}
	add("tokens", fmt.Sprintf("%d in, %d out", t.Usage.InputTokens, t.Usage.OutputTokens))
	if t.RetractFrom > 0 {
		add("retracted turns from", fmt.Sprint(t.RetractFrom))
	}
	if t.Retracted {
		add("retracted", "by a later turn")
	}
	add("metadata", compact(t.Metadata))
	add("record", compact(t.Record))
	if err := printTable(cmd, rows); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	messages := t.Messages
	if composed {
		messages = shown.ModelInput
		fmt.Fprintln(out, "\nwhat the model saw:")
	} else {
		fmt.Fprintln(out)
	}
	for _, m := range messages {
		fmt.Fprintf(out, "%s: %s\n", m.Role, m.Content)
	}
	for _, note := range shown.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	for _, gap := range shown.Gaps {
		fmt.Fprintf(out, "not known: %s\n", gap)
	}
	return nil
}

// compact returns raw, or "" for null.
func compact(raw json.RawMessage) string {
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}
