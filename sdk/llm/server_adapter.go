package llm

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	"github.com/botyard/botyard/sdk/internal/wire"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

type server struct {
	llmv1.UnimplementedLLMServiceServer
	set *instances.Set[LLM]
}

func (s *server) Chat(req *llmv1.ChatRequest, stream grpc.ServerStreamingServer[llmv1.ChatResponse]) error {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return err
	}
	defer done()
	c := newCoalescer(stream.Send)
	finish, err := v.Chat(stream.Context(), requestFrom(req), paced(stream.Context(), c.emit))
	if c.full() {
		return c.close(finish) // the reply ends here as if the provider had stopped
	}
	if err != nil {
		// The usage is sent before the error, because tokens were spent although the reply failed.
		_ = c.close(finish)
		return err
	}
	if finish == nil {
		_ = c.close(nil)
		return fault.New(fault.Internal, "the plugin ended a reply without saying how").By(fault.PartyPlugin)
	}
	return c.close(finish)
}

// The time that a piece and that a byte of a reply take at the greatest pace. A provider that is
// faster waits, because the plugin reads no more of its reply until then.
const (
	pieceTime = time.Second / sdk.MaxReplyPieceRate
	byteTime  = time.Second / sdk.MaxReplyByteRate
)

// paced returns an emit of one reply that keeps the pace. It returns the cause if ctx ends during a
// pause.
func paced(ctx context.Context, emit func(Delta) error) func(Delta) error {
	pace := budget.NewPace(sdk.PaceCredit * time.Second)
	return func(d Delta) error {
		if err := pace.Wait(ctx, pieceTime+time.Duration(d.size())*byteTime); err != nil {
			return err
		}
		return emit(d)
	}
}

// size returns the bytes of the piece.
func (d *Delta) size() int {
	if d.Streams() && !d.EndsPart() {
		return len(d.PieceText())
	}
	return d.Size()
}

func (s *server) Embed(ctx context.Context, req *llmv1.EmbedRequest) (*llmv1.EmbedResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	e, ok := v.(Embedder)
	if !ok {
		return nil, fault.New(fault.Unsupported, "this plugin does not embed texts")
	}
	out, err := e.Embed(ctx, &EmbedRequest{Call: sdk.CallFromProto(req.Call), Texts: req.Texts})
	if err != nil {
		return nil, err
	}
	resp := &llmv1.EmbedResponse{Usage: wire.Usage(out.Usage), Model: out.Model}
	for _, vec := range out.Vectors {
		resp.Embeddings = append(resp.Embeddings, &llmv1.Embedding{Values: vec})
	}
	return resp, nil
}

func requestFrom(p *llmv1.ChatRequest) *Request {
	r := &Request{
		Call: sdk.CallFromProto(p.Call), Messages: wire.MessagesFrom(p.Messages),
		MaxOutputTokens: int(p.MaxOutputTokens), Overrides: p.Overrides, ParallelToolCalls: p.ParallelToolCalls,
		Stable:     int(p.StableMessages),
		ToolChoice: ToolChoice{Mode: ToolMode(p.GetToolChoice().GetMode()), Name: p.GetToolChoice().GetName()},
		ResponseFormat: ResponseFormat{
			Type: FormatType(p.GetResponseFormat().GetType()), Name: p.GetResponseFormat().GetName(),
			Schema: p.GetResponseFormat().GetSchema(), Strict: p.GetResponseFormat().GetStrict(),
		},
	}
	for _, t := range p.Tools {
		tool := Tool{Name: t.Name, Description: t.Description, Parameters: t.Parameters}
		switch t.Arguments {
		case llmv1.Tool_ARGUMENTS_UNSPECIFIED, llmv1.Tool_ARGUMENTS_JSON:
		case llmv1.Tool_ARGUMENTS_TEXT:
			tool.Arguments = ArgumentsText
		default:
			tool.Arguments = ArgumentsForm(t.Arguments) // of a later version; the plugin refuses it
		}
		r.Tools = append(r.Tools, tool)
	}
	return r
}
