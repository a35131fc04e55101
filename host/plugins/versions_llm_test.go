package plugins

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// versionChat makes one generation with the messages, and returns the parts of the reply.
func versionChat(ctx context.Context, i *Instance, change func(*llm.Request), messages ...chat.Message) ([]chat.Part, *llm.Finish, error) {
	req := &llm.Request{Call: sdk.Call{Tenant: "t", Conversation: "c", User: "u"}, Messages: messages, MaxOutputTokens: 10}
	if change != nil {
		change(req)
	}
	var reply llm.Joiner
	finish, err := i.LLM().Chat(ctx, req, func(d llm.Delta) error { reply.Add(&d); return nil })
	return reply.Parts(), finish, err
}

// TestVersions_llm runs LLM plugins of an older and of a newer protocol. The older one replies with the
// fields that it was sent and does not know, and refuses a configuration that has any.
func TestVersions_llm(t *testing.T) {
	hello := chat.Text(chat.User, "hello")
	says := func(want string, change func(*llm.Request)) func(context.Context, *host, *Instance) error {
		return func(ctx context.Context, _ *host, i *Instance) error {
			parts, _, err := versionChat(ctx, i, change, chat.Text(chat.System, "be kind"), hello)
			if err != nil || len(parts) != 1 || parts[0].Text != want {
				return errors.Join(fmt.Errorf("the reply is %+v; want %s", parts, want), err)
			}
			return nil
		}
	}
	lacks := func(feature, field string, change func(*llm.Request)) func(context.Context, *host, *Instance) error {
		return func(ctx context.Context, _ *host, i *Instance) error {
			_, _, err := versionChat(ctx, i, change, hello)
			return refused(err, fault.Unsupported, "llm plugin older", fmt.Sprintf("lacks the feature %q", feature), "field "+field+" of the call Chat")
		}
	}
	testVersions(t, llm.Kind, []versionCase{
		{"older", "fewer fields in all requests", "the host sends nothing that the plugin does not know", says("unknown: ", nil)},
		{"older", "no field stable_messages, which is a hint", "the plugin ignores it",
			says("unknown: (botyard.llm.v1.ChatRequest).? 4801", func(r *llm.Request) { r.Stable = 1 })},
		{"older", "no field tools, no feature tools", "a request that needs the field is not sent",
			lacks("tools", "tools", func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "clock"}} })},
		{"older", "no field tool_choice", "a request that needs the field is not sent",
			lacks("tools", "tool_choice", func(r *llm.Request) { r.ToolChoice.Mode = llm.ToolNone })},
		{"older", "no field parallel_tool_calls", "a request that needs the field is not sent",
			lacks("tools", "parallel_tool_calls", func(r *llm.Request) { r.ParallelToolCalls = new(bool) })},
		{"older", "no field response_format, no feature response_format", "a request that needs the field is not sent",
			lacks("response_format", "response_format", func(r *llm.Request) { r.ResponseFormat.Type = llm.FormatJSONObject })},
		{"older", "no field overrides, no feature overrides", "a request that needs the field is not sent",
			lacks("overrides", "overrides", func(r *llm.Request) { r.Overrides = []byte(`{"a": 1}`) })},
		{"older", "no RPC Embed, no feature embed", "the host embeds nothing, and makes no call",
			func(ctx context.Context, _ *host, i *Instance) error {
				if _, ok := i.LLM().(llm.Embedder); ok {
					return errors.New("the host takes the feature for granted")
				}
				_, err := embedCaller{llmCaller{i}}.Embed(ctx, &llm.EmbedRequest{Call: sdk.Call{Tenant: "t"}, Texts: []string{"a"}})
				return refused(err, fault.Unsupported, `lacks the feature "embed"`, "the call Embed")
			}},
		{"older", "no RPC CheckConfig", "the plugin finds no mistake, and Configure refuses what is wrong",
			func(ctx context.Context, h *host, _ *Instance) error {
				problems, err := h.CheckConfig(ctx, Spec{Kind: llm.Kind, Name: "older", Tenant: "t", Config: []byte(`{"a": 1}`)})
				if err != nil || len(problems) > 0 {
					return errors.Join(fmt.Errorf("problems %v", problems), err)
				}
				return nil
			}},
		{"older", "no traits and no maker", "the host takes nothing for excluded",
			func(ctx context.Context, _ *host, i *Instance) error {
				traits := i.LLM().(sdk.LLMDescriber).LLMTraits(ctx)
				if traits.Media != nil || traits.Tools != nil || traits.Formats != nil || traits.Reasoning != nil || traits.Embeddings != nil || traits.Maker != "" {
					return fmt.Errorf("traits %+v", traits)
				}
				return nil
			}},
		{"older", "no part kind other", "the plugin refuses the part",
			func(ctx context.Context, _ *host, i *Instance) error {
				_, _, err := versionChat(ctx, i, nil, hello, chat.Message{Role: chat.User, Parts: []chat.Part{{Text: "see"}, {Other: &chat.Other{Type: "x"}}}})
				return refused(err, fault.Unsupported, "messages.1.parts.1")
			}},
		{"newer", "a service of a later version beside the one of today, and a further feature", "the host calls the one of today, and shows both",
			func(ctx context.Context, h *host, i *Instance) error {
				_, _, err := versionChat(ctx, i, nil, hello)
				return errors.Join(err, h.isShownAsNewer("botyard.llm.v2.LLMService"))
			}},
		{"newer", "a further RPC, and a request field of a feature", "the host does without them, and uses the feature that it knows",
			func(ctx context.Context, _ *host, i *Instance) error {
				_, _, err := versionChat(ctx, i, func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "clock"}} }, hello)
				return err
			}},
		{"newer", "further traits", "ignored beside those that the host knows",
			func(ctx context.Context, _ *host, i *Instance) error {
				if traits := i.LLM().(sdk.LLMDescriber).LLMTraits(ctx); traits.ContextTokens != 100 || traits.Maker != "m" || traits.Tools != nil {
					return fmt.Errorf("traits %+v", traits)
				}
				return nil
			}},
		{"newer", "a further part kind in a reply, and further fields beside it", "kept in its place",
			func(ctx context.Context, _ *host, i *Instance) error {
				parts, finish, err := versionChat(ctx, i, nil, hello)
				if err != nil || len(parts) != 3 || parts[0].Text != "before" || parts[1].Kind() != chat.KindUnknown || parts[2].Text != "after" {
					return errors.Join(fmt.Errorf("the reply is %+v", parts), err)
				}
				if finish.Usage.OutputTokens != 3 {
					return fmt.Errorf("the usage is %+v", finish.Usage)
				}
				return nil
			}},
		{"newer", "a further part kind in a reply", "kept by a storage, and relayed as it was",
			func(ctx context.Context, h *host, i *Instance) error {
				parts, _, err := versionChat(ctx, i, nil, hello)
				if err != nil {
					return err
				}
				st := h.open(Spec{Kind: storage.Kind, Name: "memory", Tenant: "t"})
				defer st.Close()
				earlier, err := keepAndRead(ctx, st, chat.Message{Role: chat.Assistant, Parts: parts})
				if err != nil {
					return err
				}
				parts, _, err = versionChat(ctx, i, nil, append(earlier, chat.Text(chat.User, "what was it?"))...)
				if err != nil || len(parts) != 1 || parts[0].Text != "a cube" {
					return errors.Join(fmt.Errorf("the second reply is %+v", parts), err)
				}
				return nil
			}},
		{"newer", "a further reason of a reply's end", "shown as unknown",
			func(ctx context.Context, _ *host, i *Instance) error {
				_, finish, err := versionChat(ctx, i, nil, hello)
				if err != nil || finish.Reason.String() != "unknown" {
					return errors.Join(errors.New("another reason"), err)
				}
				return nil
			}},
	}, "botyard-storage-memory")
}

// keepAndRead keeps a turn with the reply in a storage, and returns its messages as the next turn gets
// them.
func keepAndRead(ctx context.Context, i *Instance, reply chat.Message) ([]chat.Message, error) {
	req := &storage.BeginRequest{Call: sdk.Call{Tenant: "t", Conversation: "c", User: "u"},
		Messages: storage.EncodeMessages(chat.Text(chat.User, "hello")), Tail: 10, Holder: "h", Lease: time.Minute, Attempt: "1"}
	first, err := i.Storage().Begin(ctx, req)
	if err != nil || first.Started == nil {
		return nil, errors.Join(errors.New("the first turn did not begin"), err)
	}
	if _, err := i.Storage().Commit(ctx, &storage.CommitRequest{Call: req.Call, Fence: first.Started.Fence, State: storage.Succeeded,
		Messages: storage.EncodeMessages(reply)}); err != nil {
		return nil, err
	}
	req.Attempt = "2"
	second, err := i.Storage().Begin(ctx, req)
	if err != nil || second.Started == nil {
		return nil, errors.Join(errors.New("the second turn did not begin"), err)
	}
	if len(second.Started.Tail) != 1 {
		return nil, fmt.Errorf("a tail of %d turns", len(second.Started.Tail))
	}
	return storage.DecodeMessages(second.Started.Tail[0].Messages)
}
