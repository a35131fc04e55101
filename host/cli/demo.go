package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newDemo() *cobra.Command {
	c := &cobra.Command{
		Use: "demo", Short: "Play three sample conversations over HTTP, and check the replies",
		Long: strings.TrimSpace(`
Play the three conversations of the multi-tenant example over HTTP. The third continues
the first, and the cached bot has to remember it. Without --url the demo starts a host of
its own on a free port, with the provider that dev would choose. The exit status is 1 if
a check fails.`),
	}
	var f hostFlags
	f.addFiles(c, sampleConfig)
	c.Flags().StringVar(&f.logLevel, "log-level", "error", "trace, debug, info, warn, error or off")
	var at remoteFlags
	at.addAccess(c)
	adminToken := c.Flags().String("admin-token-file", "", "`FILE` with the token of the host's operator, which the demo needs beside --token-file where the host asks for tokens")
	c.Flags().StringVar(&at.url, "url", "", "`URL` of a running host to play against, instead of one that the demo starts")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if at.url != "" {
			d, err := newDemoAt(at, *adminToken, cmd.OutOrStdout(), "as "+at.url+" has it")
			if err != nil {
				return err
			}
			return d.play(cmd.Context())
		}
		f.listen = "127.0.0.1:0"
		o, err := f.options(cmd)
		if err != nil {
			return err
		}
		p, err := chooseProvider(cmd.Context(), f.config, o.Environ)
		if err != nil {
			return err
		}
		o.Environ = append(p.environ, o.Environ...)
		return hostRunner{interactive: true, options: o, once: true, ready: func(ctx context.Context, _ *host.Host, url string) error {
			at.url = url
			d, err := newDemoAt(at, *adminToken, cmd.OutOrStdout(), p.why)
			if err != nil {
				return err
			}
			return d.play(ctx)
		}}.run(cmd.Context())
	}
	return c
}

// demo runs the multi-tenant example against a host.
type demo struct {
	client, admin *client
	out           io.Writer
	why           string // why this provider was chosen
}

func newDemoAt(at remoteFlags, adminToken string, out io.Writer, why string) (*demo, error) {
	client, err := at.client()
	if err != nil {
		return nil, err
	}
	d := &demo{client: client, admin: client, out: out, why: why}
	if adminToken != "" {
		at.tokenFile = adminToken
		d.admin, err = at.client()
	}
	return d, err
}

// sampleTenant is one of the tenants in the example.
type sampleTenant struct {
	id, name, role string
	settings       map[string]any
}

var sampleTenants = []sampleTenant{
	{"client-a", "Client A", "customer support", sampleSettings(10, "You are a customer support assistant.")},
	{"client-b", "Client B", "technical expert", sampleSettings(20, "You are a technical expert.")},
}

func sampleSettings(messages int, system string) map[string]any {
	return map[string]any{
		"memory":  map[string]any{"type": "buffer", "max_messages": messages},
		"prompts": map[string]any{"system": system},
	}
}

const ruler = "============================================================"

func (d *demo) play(ctx context.Context) error {
	// The first printed line names the provider, which the demo reads from a registered tenant.
	// So the tenants are registered before anything is printed.
	for _, t := range sampleTenants {
		if err := d.register(ctx, t); err != nil {
			return err
		}
	}
	provider, err := d.provider(ctx, sampleTenants[0].id)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "Provider: %s\n%s\nMulti-Tenant Bot Example\n%s\n\nRegistering clients...\n", provider, ruler, ruler)
	for _, t := range sampleTenants {
		fmt.Fprintf(d.out, "✓ %s registered (%s)\n", t.name, t.role)
	}
	a, b := newConversation("conv-a"), newConversation("conv-b")
	if _, err := d.converse(ctx, "Client A Conversation", "client-a", a, "How do I reset my password?"); err != nil {
		return err
	}
	other, err := d.converse(ctx, "Client B Conversation", "client-b", b, "Explain async/await in Python")
	if err != nil {
		return err
	}
	again, err := d.converse(ctx, "Client A Again (from cache)", "client-a", a, "Do you remember me?")
	if err != nil {
		return err
	}
	return d.check(ctx, provider, a, other, again)
}

// register registers the tenant. If the host already has the tenant, for example from a file,
// register leaves it as it is.
func (d *demo) register(ctx context.Context, t sampleTenant) error {
	path := "/admin/v1/tenants/" + t.id
	var known api.Tenant
	_, err := d.admin.call(ctx, http.MethodGet, path, nil, nil, &known)
	var remote *remoteError
	if errors.As(err, &remote) && remote.Status == http.StatusNotFound {
		_, err = d.admin.call(ctx, http.MethodPut, path, nil, t.settings, &known)
	}
	if err == nil && known.Revision == "" {
		err = fmt.Errorf("tenant %s is not served: %s", t.id, known.Error)
	}
	return err
}

// provider asks the host for the tenant's configuration, and returns the provider in it.
func (d *demo) provider(ctx context.Context, tenant string) (provider, error) {
	var e api.Effective
	if _, err := d.admin.call(ctx, http.MethodGet, "/admin/v1/tenants/"+tenant+"/config", nil, nil, &e); err != nil {
		return provider{}, err
	}
	p := provider{why: d.why}
	for _, entry := range e.Config {
		switch entry.Path {
		case "llm.provider":
			p.name, _ = entry.Value.(string)
		case "llm.model":
			p.model, _ = entry.Value.(string)
		}
	}
	return p, nil
}

func (d *demo) converse(ctx context.Context, title, tenant, conversation, message string) (*api.ChatReply, error) {
	fmt.Fprintf(d.out, "\n--- %s ---\nUser: %s\nBot: ", title, message)
	reply, err := d.client.chat(ctx, tenant, chatRequest{ConversationID: conversation, Message: message},
		func(delta string) { fmt.Fprint(d.out, delta) })
	fmt.Fprintln(d.out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	if reply.Reply == "" {
		return nil, fmt.Errorf("%s: the bot said nothing", title)
	}
	return reply, nil
}

// check compares the conversations with what the example promises, and returns the differences.
// It compares the texts of replies only if the provider p is echo, because only the replies of echo
// are known in advance.
func (d *demo) check(ctx context.Context, p provider, conversation string, other, again *api.ChatReply) error {
	var errs []error
	expect := func(ok bool, what string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("expected "+what, args...))
		}
	}
	expect(again.Bot.Cached, "the last reply to come from a cached bot")
	expect(again.Turn == 2, "the last reply to be the second turn of its conversation, not turn %d", again.Turn)
	expect(other.Turn == 1, "client B's reply to be the first turn of its conversation, not turn %d", other.Turn)
	if p.name == "echo" {
		expect(strings.Contains(again.Reply, "password"), "the last reply to remember the password, not %q", again.Reply)
		expect(!strings.Contains(other.Reply, "password"), "client B's bot to know nothing of client A's password, not %q", other.Reply)
	}
	var log api.Messages
	_, err := d.client.call(ctx, http.MethodGet, "/api/v1/conversations/"+conversation, http.Header{"X-Tenant-Id": {"client-a"}}, nil, &log)
	if err != nil {
		return err
	}
	expect(len(log.Messages) == 4, "client A's conversation to have 4 messages, not %d", len(log.Messages))
	_, err = d.client.call(ctx, http.MethodGet, "/api/v1/conversations/"+conversation, http.Header{"X-Tenant-Id": {"client-b"}}, nil, nil)
	var remote *remoteError
	expect(errors.As(err, &remote) && remote.Status == http.StatusNotFound, "client A's conversation not to exist for client B, not %v", err)
	return errors.Join(errs...)
}
