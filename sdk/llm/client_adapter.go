package llm

import (
	"context"
	"errors"
	"io"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// Client calls an instance in a plugin process. Any number of goroutines may use a Client.
type Client struct {
	rpc      llmv1.LLMServiceClient
	instance string
}

var (
	_ LLM      = (*Client)(nil)
	_ Embedder = (*Client)(nil)
)

// NewClient returns a client of the instance. The caller closes conn.
func NewClient(conn grpc.ClientConnInterface, instance string) *Client {
	return &Client{rpc: llmv1.NewLLMServiceClient(conn), instance: instance}
}

// Chat implements LLM. It returns an error of emit unchanged. Together with an error, the Finish
// has the usage that is known so far, and the reason FinishUnknown.
func (c *Client) Chat(ctx context.Context, req *Request, emit func(Delta) error) (*Finish, error) {
	// gRPC frees a stream only when the stream is read to its end or its context is canceled.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.Chat(ctx, c.request(req))
	if err != nil {
		return nil, fault.Of(err)
	}
	var finish *Finish
	spent := &Finish{} // the usage so far, for the case that the stream fails
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if finish == nil {
				return spent, fault.New(fault.ProviderFailed, "the reply ended before it was complete").By(fault.PartyPlugin)
			}
			return finish, nil
		}
		if err != nil {
			if finish == nil {
				finish = spent
			}
			return finish, fault.Of(err)
		}
		if finish != nil {
			return finish, fault.New(fault.Internal, "the plugin sent more after the end of the reply").By(fault.PartyPlugin)
		}
		if m.Usage != nil {
			spent.Usage = wire.UsageFrom(m.Usage)
		}
		if u := m.GetFinish().GetUsage(); u != nil { // the last piece has the usage of the whole reply
			spent.Usage = wire.UsageFrom(u)
		}
		if m.Part != nil {
			d := Delta{Part: wire.PartFrom(m.Part), Begins: m.NewPart, Usage: spent.Usage}
			if err := d.Check(); err != nil {
				return spent, err
			}
			if !d.IsNothing() {
				if err := emit(d); err != nil {
					return spent, err
				}
			}
		}
		if m.Finish != nil {
			finish = &Finish{
				Reason: FinishReason(m.Finish.Reason), Usage: wire.UsageFrom(m.Finish.Usage), Model: m.Finish.Model,
			}
		}
	}
}

func (c *Client) request(r *Request) *llmv1.ChatRequest {
	p := &llmv1.ChatRequest{
		Call: sdk.CallToProto(r.Call, c.instance), Messages: wire.Messages(r.Messages),
		MaxOutputTokens: int32(r.MaxOutputTokens), Overrides: r.Overrides, ParallelToolCalls: r.ParallelToolCalls,
		StableMessages: int32(r.Stable),
	}
	for _, t := range r.Tools {
		p.Tools = append(p.Tools, &llmv1.Tool{
			Name: t.Name, Description: t.Description, Parameters: t.Parameters, Arguments: argumentsTo[t.Arguments],
		})
	}
	if r.ToolChoice != (ToolChoice{}) {
		p.ToolChoice = &llmv1.ToolChoice{Mode: llmv1.ToolChoice_Mode(r.ToolChoice.Mode), Name: r.ToolChoice.Name}
	}
	if f := r.ResponseFormat; f.Type != FormatDefault {
		p.ResponseFormat = &llmv1.ResponseFormat{Type: llmv1.ResponseFormat_Type(f.Type), Name: f.Name, Schema: f.Schema, Strict: f.Strict}
	}
	return p
}

var argumentsTo = map[ArgumentsForm]llmv1.Tool_Arguments{
	ArgumentsJSON: llmv1.Tool_ARGUMENTS_JSON, ArgumentsText: llmv1.Tool_ARGUMENTS_TEXT,
}

// Embed implements Embedder.
func (c *Client) Embed(ctx context.Context, req *EmbedRequest) (*Embeddings, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	resp, err := c.rpc.Embed(ctx, &llmv1.EmbedRequest{Call: sdk.CallToProto(req.Call, c.instance), Texts: req.Texts})
	if err != nil {
		return nil, fault.Of(err)
	}
	if len(resp.Embeddings) != len(req.Texts) {
		return nil, fault.New(fault.Internal, "the plugin answered %d vectors for %d texts",
			len(resp.Embeddings), len(req.Texts)).By(fault.PartyPlugin)
	}
	out := &Embeddings{Usage: wire.UsageFrom(resp.Usage), Model: resp.Model}
	for _, e := range resp.Embeddings {
		out.Vectors = append(out.Vectors, e.Values)
	}
	return out, nil
}
