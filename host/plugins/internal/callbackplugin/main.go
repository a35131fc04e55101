// Command callbackplugin is a memory plugin with nested plugins. It calls back to the host in ways
// that the first word of the message chooses, and returns what came of it as a recalled message.
// Some of these ways are those of a hostile plugin. As a child process of itself, it does the same
// with the arguments of the command line.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"github.com/botyard/botyard/sdk/schema"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Config is the plugin's configuration.
type Config struct {
	Embedder schema.PluginBlock `json:"embedder" botyard:"plugin=llm,role=embedding"`
	Writer   schema.PluginBlock `json:"writer" botyard:"plugin=llm,role=llm"`
	Label    string             `json:"label"`
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "connect" {
		fmt.Println(connect(context.Background(), os.Args[2], os.Args[3], []string{"x"}))
		return
	}
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "botyard-memory-")
	opts := []sdk.Option{sdk.HostServices(sdk.HostEmbed, sdk.HostGenerate)}
	p := memory.NewPlugin(name, "0", open, opts...)
	switch name {
	case "undeclared": // its schema has roles that its GetInfo asks no service for
		p.Info.HostServices = nil
	case "future":
		p.Info.HostServices = append(p.Info.HostServices, "index")
	}
	sdk.Serve(p)
}

// store is an instance.
type store struct {
	env           sdk.Env
	embed, writer *llm.Nested
	mu            sync.Mutex
	kept          string // the token of an earlier call
}

func open(_ context.Context, _ Config, env sdk.Env) (memory.Memory, error) {
	return &store{env: env, embed: llm.NewNested(env, llm.RoleEmbedding), writer: llm.NewNested(env, llm.RoleLLM)}, nil
}

// Needs implements memory.Memory.
func (*store) Needs() memory.Needs { return memory.Needs{Tail: 2, Recall: true} }

// Recall implements memory.Memory.
func (s *store) Recall(ctx context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	words := strings.Fields(req.Messages[0].Text())
	if len(words) == 0 {
		words = []string{""}
	}
	text, err := s.do(ctx, req.Call, words[0], words[1:])
	if err != nil {
		return nil, err
	}
	return &memory.Recalled{Items: []memory.Item{{Message: chat.Text(chat.User, text)}}}, nil
}

func (s *store) do(ctx context.Context, call sdk.Call, what string, args []string) (string, error) {
	switch what {
	case "roles":
		return strings.Join(s.env.Roles, " "), nil
	case "generate":
		var reply strings.Builder
		finish, err := s.writer.Chat(ctx, &llm.Request{Call: call, Messages: []chat.Message{chat.Text(chat.User, strings.Join(args, " "))}},
			func(d llm.Delta) error { reply.WriteString(d.Text); return nil })
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %d", reply.String(), finish.Usage.OutputTokens), nil
	case "token":
		return call.Token, nil
	case "keep":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kept = call.Token
		return "", nil
	case "late":
		s.mu.Lock()
		defer s.mu.Unlock()
		return connect(ctx, os.Getenv(sdk.HostSocketEnv), s.kept, []string{"x"}), nil
	case "use":
		return connect(ctx, os.Getenv(sdk.HostSocketEnv), args[0], []string{"x"}), nil
	case "socket":
		return os.Getenv(sdk.HostSocketEnv), nil
	case "pid":
		return strconv.Itoa(os.Getpid()), nil
	case "connect":
		return connect(ctx, args[0], args[1], []string{"x"}), nil
	case "child":
		cmd := exec.Command("/proc/self/exe", "connect", args[0], args[1])
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", err
		}
		return strings.TrimSpace(string(out)), nil
	case "own":
		return connect(ctx, os.Getenv(sdk.HostSocketEnv), call.Token, []string{"x"}), nil
	case "large":
		n, _ := strconv.Atoi(args[0])
		return connect(ctx, os.Getenv(sdk.HostSocketEnv), call.Token, []string{strings.Repeat("x", n)}), nil
	case "many": // as many callbacks at once as the argument says
		return s.many(ctx, call, args), nil
	case "wait": // writes its token into a file, and waits until the host cancels the call
		if err := os.WriteFile(args[0]+".part", []byte(call.Token), 0o600); err != nil {
			return "", err
		}
		if err := os.Rename(args[0]+".part", args[0]); err != nil {
			return "", err
		}
		<-ctx.Done()
		return "", ctx.Err()
	case "slow": // begins a reply and does not read it
		conn := dial(os.Getenv(sdk.HostSocketEnv))
		stream, err := hostv1.NewHostServiceClient(conn).Generate(withToken(ctx, call.Token), &hostv1.GenerateRequest{Role: llm.RoleLLM, Request: writes(strings.Join(args, " "))})
		if err == nil {
			_, err = stream.Recv()
		}
		if err != nil {
			return "", err
		}
		<-ctx.Done()
		return "", ctx.Err()
	case "exit":
		os.Exit(3)
	}
	out, err := s.embed.Embed(ctx, &llm.EmbedRequest{Call: call, Texts: append([]string{what}, args...)})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d vectors of %d", len(out.Vectors), len(out.Vectors[0])), nil
}

func (s *store) many(ctx context.Context, call sdk.Call, args []string) string {
	n, _ := strconv.Atoi(args[0])
	var done sync.WaitGroup
	var ok, limited, other atomic.Int64
	for range n {
		done.Go(func() {
			_, err := s.embed.Embed(ctx, &llm.EmbedRequest{Call: call, Texts: []string{"x"}})
			switch {
			case err == nil:
				ok.Add(1)
			case fault.Is(err, fault.RateLimited):
				limited.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	done.Wait()
	return fmt.Sprint(ok.Load(), limited.Load(), other.Load())
}

func writes(text string) *llmv1.ChatRequest {
	return &llmv1.ChatRequest{Messages: []*chatv1.Message{{Role: chatv1.Role_ROLE_USER, Parts: []*chatv1.Part{{Part: &chatv1.Part_Text{Text: text}}}}}}
}

// connect embeds the texts with a token over a connection of its own, and returns the result or the
// class of the error.
func connect(ctx context.Context, path, token string, texts []string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn := dial(path)
	defer func() { _ = conn.Close() }()
	_, err := hostv1.NewHostServiceClient(conn).Embed(withToken(ctx, token), &hostv1.EmbedRequest{Role: llm.RoleEmbedding, Request: &llmv1.EmbedRequest{Texts: texts}})
	if err != nil {
		return fault.Of(err).Class.String()
	}
	return "embedded"
}

func dial(path string) *grpc.ClientConn {
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return conn
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, sdk.CallTokenMetadata, token)
}
