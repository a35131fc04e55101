package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newChat() *cobra.Command {
	c := &cobra.Command{
		Use: "chat TENANT", Short: "Talk to a tenant's bot", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Talk to a tenant's bot. Each line is a message. A run is one conversation: a new one, or
the one that --conversation names. Ctrl-C interrupts the reply; without a reply it ends
the chat, as Ctrl-D does.

If the input is not a terminal, each of its lines is a message. The first message that
fails ends the chat with exit status 1.`),
		Example: `  botyard chat client-a
  echo "Hello" | botyard chat client-a --json`,
	}
	host := addRemote(c)
	asJSON := addJSON(c)
	conversation := c.Flags().String("conversation", "", "`ID` of the conversation to continue")
	user := c.Flags().String("user", "", "`ID` of the user who speaks")
	prompt := c.Flags().String("prompt", "", "`NAME` of the tenant's prompt to use in place of its system prompt")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := config.ValidTenantID(args[0]); err != nil {
			return usage(err)
		}
		client, err := host.client()
		if err != nil {
			return err
		}
		t := chatSession{
			client: client, tenant: args[0], conversation: *conversation, user: *user, prompt: *prompt, json: *asJSON,
			out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr(), prompts: isTerminal(cmd.InOrStdin()),
		}
		if t.conversation == "" {
			t.conversation = newConversation("chat")
		}
		interrupts := make(chan os.Signal, 1)
		signal.Notify(interrupts, os.Interrupt)
		defer signal.Stop(interrupts)
		return t.run(cmd.Context(), cmd.InOrStdin(), interrupts)
	}
	return c
}

// newConversation returns an id that no other run uses, because a storage may keep the
// conversations of earlier runs.
func newConversation(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:10])
}

// chatSession is a conversation with a bot. The user types the messages in a terminal, or pipes
// them into the command.
type chatSession struct {
	client                     *client
	tenant, conversation, user string
	prompt                     string // name of a prompt of the tenant, or empty
	json                       bool
	out, errs                  io.Writer
	prompts                    bool // whether to print a prompt, because the input is a terminal
}

func (t *chatSession) run(ctx context.Context, in io.Reader, interrupts <-chan os.Signal) error {
	if t.prompts {
		fmt.Fprintf(t.errs, "%s, conversation %s. Ctrl-D ends it.\n", t.tenant, t.conversation)
	}
	lines := readLines(in)
	for {
		if t.prompts {
			fmt.Fprint(t.errs, "> ")
		}
		var line line
		var more bool
		select {
		case <-interrupts:
			return t.end()
		case line, more = <-lines:
		}
		switch {
		case !more:
			return t.end()
		case line.err != nil:
			return line.err
		case strings.TrimSpace(line.text) == "":
			continue
		}
		if err := t.say(ctx, line.text, interrupts); err != nil {
			if !t.prompts {
				return err
			}
			fmt.Fprintln(t.errs, "botyard: "+err.Error())
		}
	}
}

func (t *chatSession) end() error {
	if t.prompts {
		fmt.Fprintln(t.errs)
	}
	return nil
}

// errGivenUp is the error of a turn that the user interrupted.
var errGivenUp = errors.New("given up; the turn is not part of the conversation")

// say sends one message and prints the reply. An interrupt cancels the turn.
func (t *chatSession) say(ctx context.Context, text string, interrupts <-chan os.Signal) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-interrupts:
			cancel(errGivenUp)
		case <-done:
		}
	}()
	req := chatRequest{ConversationID: t.conversation, Message: text, UserID: t.user, Prompt: t.prompt}
	begun := false
	reply, err := t.client.chat(ctx, t.tenant, req, func(delta string) {
		if !t.json {
			begun = true
			fmt.Fprint(t.out, delta)
		}
	})
	if begun || err == nil && !t.json {
		fmt.Fprintln(t.out)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	if t.json {
		b, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		fmt.Fprintln(t.out, string(b))
	}
	if note := noteOf(reply); note != "" {
		fmt.Fprintln(t.errs, "botyard: "+note)
	}
	return nil
}

// noteOf returns a remark that says why a reply is incomplete or empty. It returns "" for a
// complete reply.
func noteOf(reply *api.ChatReply) string {
	what := "the reply"
	if strings.TrimSpace(reply.Reply) == "" {
		what = "the reply is empty: it"
	}
	switch reply.FinishReason {
	case "length":
		return what + " was cut, for it may not be longer (limits.reply_tokens and limits.reply_bytes of the tenant, or the provider's own limit)"
	case "content_filter":
		return what + " was ended by the provider's content filter"
	case "tool_calls":
		return what + " ends with calls of tools, which nothing here makes"
	}
	if what == "the reply" {
		return ""
	}
	return "the reply is empty; `botyard turn show` tells what is kept of it"
}

// line is a line of the input, or the error of reading the input.
type line struct {
	text string
	err  error
}

// readLines reads the input in a goroutine, so that the session can handle an interrupt while
// it waits for a line. The goroutine ends with the input or with the process.
func readLines(in io.Reader) <-chan line {
	out := make(chan line)
	go func() {
		defer close(out)
		r := bufio.NewReader(in)
		for {
			text, err := r.ReadString('\n')
			if text = strings.TrimRight(text, "\r\n"); text != "" {
				out <- line{text: text}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				out <- line{err: err}
				return
			}
		}
	}()
	return out
}
