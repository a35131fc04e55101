package llm_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

type config struct {
	Model string `json:"model" jsonschema:"required"`
}

// funcLLM implements LLM with a function.
type funcLLM func(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error)

func (f funcLLM) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return f(ctx, req, emit)
}

// serve returns a client of an instance "i" of f, and the gRPC connection of the client. The plugin
// runs in this process behind an in-memory connection.
func serve(t *testing.T, f funcLLM) (*llm.Client, *grpc.ClientConn) {
	t.Helper()
	p := llm.NewPlugin("test", "1", func(context.Context, config, sdk.Env) (llm.LLM, error) { return f, nil })
	l := bufconn.Listen(1 << 20)
	server := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	sdk.Register(server, p, hclog.NewNullLogger())
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	base := pluginv1.NewPluginServiceClient(conn)
	if _, err := base.Configure(context.Background(), &pluginv1.ConfigureRequest{Instance: "i", Config: []byte(`{"model":"m"}`)}); err != nil {
		t.Fatal(err)
	}
	return llm.NewClient(conn, "i"), conn
}

func TestClient_Chat_roundTrip(t *testing.T) {
	want := &llm.Request{
		Call: sdk.Call{Tenant: "t", Conversation: "c", User: "u", Token: "k", Incarnation: "1"},
		Messages: []chat.Message{
			chat.Text(chat.System, "s"),
			{Role: chat.User, Parts: []chat.Part{{Text: "look"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{1}}}}},
			{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte{2}}}, {ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}}}},
			{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "f", Parts: []chat.Part{{Text: "r"}}, IsError: true}}}},
		},
		Tools:           []llm.Tool{{Name: "f", Description: "d", Parameters: []byte(`{}`)}, {Name: "g", Arguments: llm.ArgumentsText}},
		ToolChoice:      llm.ToolChoice{Mode: llm.ToolNamed, Name: "f"},
		ResponseFormat:  llm.ResponseFormat{Type: llm.FormatJSONSchema, Name: "n", Schema: []byte(`{}`), Strict: true},
		MaxOutputTokens: 5, Overrides: []byte(`{"a":0}`), ParallelToolCalls: new(bool), Stable: 3,
	}
	finish := &llm.Finish{Reason: llm.FinishToolCalls, Model: "m-1",
		Usage: chat.Usage{InputTokens: 1, OutputTokens: 2, CachedInputTokens: 3, ReasoningTokens: 4}}
	call := chat.ToolCall{ID: "2", Name: "f", Arguments: `{"a":1}`}
	c, _ := serve(t, func(_ context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		if !reflect.DeepEqual(req, want) {
			t.Errorf("arrived %+v", req)
		}
		for _, d := range []llm.Delta{llm.Reasoning("why"), llm.Text("a"), llm.Text("b"), llm.ToolCall(call)} {
			if err := emit(d); err != nil {
				return nil, err
			}
		}
		return finish, nil
	})
	var reply llm.Joiner
	got, err := c.Chat(context.Background(), want, func(d llm.Delta) error { reply.Add(&d); return nil })
	parts := []chat.Part{{Reasoning: &chat.Reasoning{Text: "why"}}, {Text: "ab"}, {ToolCall: &call}}
	if err != nil || !reflect.DeepEqual(got, finish) || !reflect.DeepEqual(reply.Parts(), parts) {
		t.Errorf("got %+v %v, %+v", got, err, reply.Parts())
	}
}

func TestClient_Chat_failures(t *testing.T) {
	boom := fault.New(fault.RateLimited, "slow down").After(3 * time.Second)
	for name, c := range map[string]struct {
		f     funcLLM
		class fault.Class
	}{
		"error":     {func(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) { return nil, boom }, fault.RateLimited},
		"panic":     {func(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) { panic("secret") }, fault.Internal},
		"no finish": {func(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) { return nil, nil }, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := serve(t, c.f)
			_, err := client.Chat(context.Background(), &llm.Request{}, func(llm.Delta) error { return nil })
			if e := fault.Of(err); e == nil || e.Class != c.class || strings.Contains(e.Error(), "secret") {
				t.Error(err)
			}
		})
	}
	_, conn := serve(t, nil)
	_, err := llm.NewClient(conn, "other").Chat(context.Background(), &llm.Request{}, nil)
	if !fault.Is(err, fault.UnknownInstance) {
		t.Errorf("an unknown instance: %v", err)
	}
	_, err = llm.NewClient(conn, "other").Embed(context.Background(), &llm.EmbedRequest{Texts: []string{"x"}})
	if !fault.Is(err, fault.UnknownInstance) {
		t.Errorf("an unknown instance: %v", err)
	}
}

func TestClient_Chat_usageAfterCancel(t *testing.T) {
	ended := make(chan struct{})
	c, _ := serve(t, func(ctx context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		defer close(ended)
		if err := emit(llm.Delta{Part: chat.Part{Text: "a"}, Usage: chat.Usage{InputTokens: 4, OutputTokens: 1}}); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	gone := errors.New("client gone")
	f, err := c.Chat(context.Background(), &llm.Request{}, func(llm.Delta) error { return gone })
	if !errors.Is(err, gone) || f == nil || f.Usage.InputTokens != 4 {
		t.Errorf("%+v %v", f, err)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the generation goes on without its client")
	}
}

// TestClient_Chat_invalidText checks that a reply arrives with clean texts although the plugin
// sends invalid bytes and characters that are cut into pieces.
func TestClient_Chat_invalidText(t *testing.T) {
	c, _ := serve(t, func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		for _, d := range []llm.Delta{
			llm.Text("\xe2"), llm.Text("\x82"), llm.Text("\xac\xff\x00"), llm.Reasoning("\xc3"), llm.Reasoning("\xa9\xf0"),
			llm.ToolCall(chat.ToolCall{ID: "\xff", Name: "f", Arguments: "{\xff}"}), llm.Text("\xf0\x9f"),
		} {
			if err := emit(d); err != nil {
				return nil, err
			}
		}
		return &llm.Finish{Model: "m\xff", Reason: llm.FinishStop}, nil
	})
	var got llm.Joiner
	f, err := c.Chat(context.Background(), &llm.Request{}, func(d llm.Delta) error { got.Add(&d); return nil })
	if err != nil || f.Model != "m\uFFFD" || f.Reason != llm.FinishStop {
		t.Fatalf("%+v, %v", f, err)
	}
	want := []chat.Part{
		{Text: "€\uFFFD\uFFFD"}, {Reasoning: &chat.Reasoning{Text: "é\uFFFD"}},
		{ToolCall: &chat.ToolCall{ID: "\uFFFD", Name: "f", Arguments: "{\uFFFD}"}}, {Text: "\uFFFD\uFFFD"},
	}
	if parts := got.Parts(); !reflect.DeepEqual(parts, want) {
		t.Errorf("parts %+v", parts)
	}
}

// TestCoalescer_coalesces checks that the first token is sent at once, and that many tokens after
// it are sent in few messages.
func TestCoalescer_coalesces(t *testing.T) {
	first := make(chan struct{})
	c, conn := serve(t, func(ctx context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		if err := emit(llm.Text("0")); err != nil {
			return nil, err
		}
		select {
		case <-first: // the client received the first token before the second was generated
		case <-time.After(30 * time.Second):
			return nil, errors.New("the first token was held back")
		}
		for i := 1; i < 1000; i++ {
			if err := emit(llm.Text(fmt.Sprint(i % 10))); err != nil {
				return nil, err
			}
		}
		return &llm.Finish{}, nil
	})
	var text strings.Builder
	if _, err := c.Chat(context.Background(), &llm.Request{}, func(d llm.Delta) error {
		if text.Len() == 0 {
			close(first)
		}
		text.WriteString(d.Text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if text.Len() != 1000 || !strings.HasSuffix(text.String(), "789") {
		t.Errorf("%d tokens arrived", text.Len())
	}
	first = make(chan struct{})
	stream, err := llmv1.NewLLMServiceClient(conn).Chat(context.Background(), &llmv1.ChatRequest{Call: sdk.CallToProto(sdk.Call{}, "i")})
	if err != nil {
		t.Fatal(err)
	}
	messages, began := 0, time.Now()
	for {
		if _, err := stream.Recv(); err != nil {
			break
		}
		if messages++; messages == 1 {
			close(first)
		}
	}
	// At most one message at the start, one in each CoalesceFor, and one at the end.
	if most := 3 + int(time.Since(began)/llm.CoalesceFor); messages > most {
		t.Errorf("%d messages for 1000 tokens; at most %d", messages, most)
	}
}

// TestClient_Chat_usageOfLastPiece checks that a client that stops at the last piece of a reply
// gets the usage of the whole reply.
func TestClient_Chat_usageOfLastPiece(t *testing.T) {
	spent := chat.Usage{InputTokens: 3, OutputTokens: 100}
	c, _ := serve(t, func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		for i := range 100 {
			if err := emit(llm.Delta{Part: chat.Part{Text: "x"}, Usage: chat.Usage{InputTokens: 3, OutputTokens: int64(i + 1)}}); err != nil {
				return nil, err
			}
		}
		return &llm.Finish{Usage: spent}, nil
	})
	enough := errors.New("enough")
	length := 0
	finish, err := c.Chat(context.Background(), &llm.Request{}, func(d llm.Delta) error {
		if length += len(d.Text); length == 100 {
			if !d.Usage.Equal(spent) {
				t.Errorf("the last piece says %+v", d.Usage)
			}
			return enough
		}
		return nil
	})
	if err != enough || finish == nil || !finish.Usage.Equal(spent) {
		t.Errorf("%+v, %v", finish, err)
	}
}
