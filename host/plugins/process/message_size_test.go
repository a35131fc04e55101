package process

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// boundless is a storage that ignores the limits of its requests, and whose responses are
// larger than a response may be.
type boundless struct {
	storage.Storage
	storage.TenantStore
}

func large(n int) string { return strings.Repeat("x", n) }

func largestTurn() storage.Turn {
	return storage.Turn{Sequence: 1, Number: 1, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.User, large(sdk.MaxTurnBytes)))}
}

func (boundless) Begin(context.Context, *storage.BeginRequest) (*storage.BeginResult, error) {
	return &storage.BeginResult{Started: &storage.Started{Fence: "f", Tail: repeated(storage.Turn{User: large(sdk.MaxIDBytes), Messages: []storage.Message{{Body: []byte(large(1 << 20))}}}, 200)}}, nil
}

func (boundless) Commit(context.Context, *storage.CommitRequest) (int64, error) { return 1, nil }

func (boundless) Read(_ context.Context, r *storage.ReadRequest) (*storage.TurnPage, error) {
	if r.After == 1 { // this turn is larger than MaxTurnBytes, as from an earlier version of the host
		return &storage.TurnPage{Turns: []storage.Turn{{Messages: repeated(storage.Message{Body: []byte(large(sdk.MaxMessageBytes))}, 2)}}}, nil
	}
	return &storage.TurnPage{Turns: repeated(largestTurn(), r.Limit)}, nil
}

func (boundless) List(_ context.Context, r *storage.ListRequest) (*storage.ConversationPage, error) {
	return &storage.ConversationPage{Conversations: repeated(storage.Conversation{ID: large(sdk.MaxIDBytes), User: large(sdk.MaxIDBytes)}, r.Limit)}, nil
}

func (boundless) Import(_ context.Context, r *storage.ImportRequest) (int64, error) {
	return int64(len(r.Turns)), nil
}

func (boundless) ListTenants(_ context.Context, _ string, limit int) (*storage.RegistrationPage, error) {
	return &storage.RegistrationPage{Registrations: repeated(storage.Registration{Document: make([]byte, sdk.MaxDocumentBytes)}, limit)}, nil
}

func (b boundless) TenantHistory(ctx context.Context, _ string, _ int64, limit int) (*storage.RegistrationPage, error) {
	return b.ListTenants(ctx, "", limit)
}

func (b boundless) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	page, err := b.ListTenants(ctx, "", len(ids))
	return page.Registrations, err
}

type boundlessMemory struct{}

func (boundlessMemory) Needs() memory.Needs { return memory.Needs{Recall: true} }
func (boundlessMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return &memory.Recalled{Items: repeated(memory.Item{Message: chat.Text(chat.User, large(1<<20))}, 200)}, nil
}

type boundlessLLM struct{}

func (boundlessLLM) Chat(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	for _, d := range []llm.Delta{llm.Text(large(6 << 20)), llm.Reasoning(large(3 << 20))} {
		if err := emit(d); err != nil {
			return nil, err
		}
	}
	return &llm.Finish{Reason: llm.FinishStop}, nil
}

// repeated returns a slice that contains one n times.
func repeated[E any](one E, n int) []E {
	out := make([]E, n)
	for i := range out {
		out[i] = one
	}
	return out
}

// serve starts a server of the plugin with an instance "i", and returns a connection to the
// server with the host's options.
func serve(t *testing.T, p sdk.Plugin) *grpc.ClientConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	p.Backend.Register(server)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	if _, err := p.Backend.Configure(t.Context(), "i", []byte("{}"), sdk.Env{Log: hclog.NewNullLogger()}); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("unix:"+socket, append((&Process{Binary: &discovery.Binary{}, features: feature.NewChecker(p.Info.Features)}).dialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestProcess_dialOptions_carryEverySize checks that each request and response arrives if all its
// parts have their maximum size. The plugins of this test do not limit their responses
// themselves.
func TestProcess_dialOptions_carryEverySize(t *testing.T) {
	ctx := t.Context()
	call := sdk.Call{Tenant: large(64), Conversation: large(sdk.MaxIDBytes), User: large(sdk.MaxIDBytes)}
	conn := serve(t, storage.NewPlugin("boundless", "1", func(context.Context, struct{}, sdk.Env) (boundless, error) {
		return boundless{}, nil
	}))
	s, r := storage.NewClient(conn, "i"), storage.NewTenantStoreClient(conn, "i")

	message := chat.Text(chat.User, large(sdk.MaxUserMessageBytes))
	begun, err := s.Begin(ctx, &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(message), Metadata: []byte(large(sdk.MaxMetadataBytes)),
		Tail: 1000, TailBytes: sdk.MaxTailBytes, Lease: time.Second, Key: large(sdk.MaxIDBytes)})
	if err != nil || !begun.Started.TailCut || len(begun.Started.Tail) != sdk.MaxTailBytes>>20-1 {
		t.Fatalf("Begin: %v", err)
	}
	_, err = s.Commit(ctx, &storage.CommitRequest{Call: call, State: storage.Succeeded, Reason: large(sdk.MaxReasonBytes), Record: []byte(large(sdk.MaxRecordBytes)),
		Messages: storage.EncodeMessages(chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{}, State: &chat.ProviderState{Data: make([]byte, sdk.MaxProviderStateBytes)}}, {Text: large(sdk.MaxReplyBytes)}}})})
	if err != nil {
		t.Errorf("Commit: %v", err)
	}
	page, err := s.Read(ctx, &storage.ReadRequest{Call: call, Limit: storage.MaxPage})
	if err != nil || len(page.Turns) != 1 || !page.More {
		t.Errorf("Read: %v", err)
	}
	if page, err := s.Read(ctx, &storage.ReadRequest{Call: call, After: 1, Limit: 1}); err != nil || len(page.Turns) != 1 {
		t.Errorf("Read of a turn of an earlier version: %v", err)
	}
	list, err := s.List(ctx, &storage.ListRequest{Call: call, Limit: storage.MaxPage})
	if err != nil || len(list.Conversations) != storage.MaxPage {
		t.Errorf("List: %v", err)
	}
	if _, err := s.Import(ctx, &storage.ImportRequest{Call: call, Turns: []storage.Turn{{Messages: []storage.Message{{Body: []byte(large(sdk.MaxMessageBytes - 1<<20))}}}}}); err != nil {
		t.Errorf("Import: %v", err)
	}
	for name, read := range map[string]func() (*storage.RegistrationPage, error){
		"ListTenants":   func() (*storage.RegistrationPage, error) { return r.ListTenants(ctx, "", storage.MaxPage) },
		"TenantHistory": func() (*storage.RegistrationPage, error) { return r.TenantHistory(ctx, "t", 0, storage.MaxPage) },
	} {
		if page, err := read(); err != nil || len(page.Registrations) != 1 || !page.More {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := r.GetTenants(ctx, repeated("t", 20)); err != nil || len(all) != 20 {
		t.Errorf("GetTenants: %d, %v", len(all), err)
	}

	m := memory.NewClient(serve(t, memory.NewPlugin("boundless", "1", func(context.Context, struct{}, sdk.Env) (memory.Memory, error) {
		return boundlessMemory{}, nil
	})), "i")
	tail := chat.Newest(repeated(chat.Text(chat.User, large(1<<20)), 200), sdk.MaxTailBytes)
	turns := []memory.Turn{{Messages: tail[1:]}, {User: large(sdk.MaxIDBytes), Messages: tail[:1]}}
	if recalled, err := m.Recall(ctx, &memory.RecallRequest{Call: call, Tail: turns, Messages: []chat.Message{message}}); err != nil || len(recalled.Items) < sdk.MaxTailBytes>>20 {
		t.Errorf("Recall: %+v, %v", recalled, err)
	}

	l := llm.NewClient(serve(t, llm.NewPlugin("boundless", "1", func(context.Context, struct{}, sdk.Env) (llm.LLM, error) {
		return boundlessLLM{}, nil
	})), "i")
	said := 0
	finish, err := l.Chat(ctx, &llm.Request{Call: call, Messages: append(append([]chat.Message{chat.Text(chat.System, large(sdk.MaxSystemBytes))}, tail...), message)},
		func(d llm.Delta) error { said += len(d.PieceText()); return nil })
	if err != nil || said != sdk.MaxReplyBytes || finish.Reason != llm.FinishLength {
		t.Errorf("Chat: %d bytes, %+v, %v", said, finish, err)
	}
}

// TestTransport_sizesFit checks that the size limits of package sdk are consistent: a
// message with parts of maximum size does not exceed the maximum size of the message.
func TestTransport_sizesFit(t *testing.T) {
	for what, c := range map[string]struct{ most, of int }{
		"a turn": {sdk.MaxBeginBytes + sdk.MaxReplyBytes + sdk.MaxProviderStateBytes + sdk.MaxReasonBytes + sdk.MaxRecordBytes + sdk.MaxMetadataBytes +
			3*sdk.MaxIDBytes + 1<<19, sdk.MaxTurnBytes},
		"the newest turn in a tail":    {sdk.MaxTurnBytes, sdk.MaxTailBytes},
		"a request of the model":       {sdk.MaxSystemBytes + sdk.MaxTailBytes + sdk.MaxBeginBytes + bounds.ToolsBytes + 1<<20, sdk.MaxMessageBytes},
		"a page of turns":              {sdk.MaxPageBytes + sdk.MaxTurnBytes, sdk.MaxMessageBytes},
		"a page of tenants":            {sdk.MaxPageBytes + sdk.MaxDocumentBytes, sdk.MaxMessageBytes},
		"texts to embed":               {sdk.MaxEmbedBytes + sdk.MaxEmbedTexts*16, sdk.MaxMessageBytes},
		"vectors of 4096 dimensions":   {sdk.MaxEmbedTexts * (4096*4 + 16), sdk.MaxMessageBytes},
		"turns to remember":            {2 * sdk.MaxRememberBytes, sdk.MaxMessageBytes},
		"a turn of an earlier version": {2 * sdk.MaxMessageBytes, sdk.MaxAnswerBytes - 1<<20},
	} {
		t.Run(what, func(t *testing.T) {
			if c.most > c.of {
				t.Errorf("it has up to %d bytes, more than %d", c.most, c.of)
			}
		})
	}
}

// unreached is a connection that fails the test when a call uses it.
type unreached struct{ t *testing.T }

func (u unreached) Invoke(_ context.Context, method string, _, _ any, _ ...grpc.CallOption) error {
	u.t.Errorf("%s was called", method)
	return errors.New("called")
}

func (u unreached) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("no stream")
}

// TestTransport_sendsNothingTooLarge checks that the clients refuse requests that are too
// large before they send them. The callers of these clients determine the size of such
// requests.
func TestTransport_sendsNothingTooLarge(t *testing.T) {
	l, m := llm.NewClient(unreached{t}, "i"), memory.NewClient(unreached{t}, "i")
	embed := func(texts ...string) error {
		_, err := l.Embed(t.Context(), &llm.EmbedRequest{Texts: texts})
		return err
	}
	remember := func(events ...memory.Event) error {
		_, err := m.Remember(t.Context(), &memory.RememberRequest{Events: events})
		return err
	}
	page := memory.Turn{Sequence: 1, Number: 1, Messages: []chat.Message{chat.Text(chat.User, large(sdk.MaxRememberBytes))}}
	for what, c := range map[string]struct {
		err  error
		path string
	}{
		"many texts":       {embed(repeated("", sdk.MaxEmbedTexts+1)...), "texts"},
		"large texts":      {embed(large(sdk.MaxEmbedBytes/2), large(sdk.MaxEmbedBytes/2+1)), "texts"},
		"large turns":      {remember(memory.Event{Turn: &page}), "events"},
		"many empty turns": {remember(repeated(memory.Event{Retraction: &memory.Retraction{Sequence: 1}}, 1<<20)...), "events"},
	} {
		t.Run(what, func(t *testing.T) {
			if f := fault.Of(c.err); c.err == nil || f.Class != fault.Invalid || f.Path.String() != c.path {
				t.Errorf("err = %v", c.err)
			}
		})
	}
	full := llm.EmbedRequest{Texts: []string{large(sdk.MaxEmbedBytes)}}
	turn := memory.Turn{Sequence: 1, Messages: []chat.Message{chat.Text(chat.User, large(sdk.MaxTurnBytes))}}
	events := memory.RememberRequest{Events: []memory.Event{{Turn: &turn}}}
	if err := errors.Join(full.Validate(), events.Validate()); err != nil {
		t.Errorf("a request of maximum size is refused: %v", err)
	}
}
