package providercall

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// The times of the server, and the number of tokens of its replies. The pauses are much longer than the time
// that a client needs for a token, so that 64 callers do not use two CPU cores fully.
const (
	firstToken = 20 * time.Millisecond // from the request to the first token
	nextToken  = 10 * time.Millisecond // between tokens
	tokens     = 8
)

// wire is a provider's path and form of a streamed reply.
type wire struct {
	path, mediaType string
	begin           string // before the first token
	token           string // a token
	end             string // after the last token
}

var wires = []wire{
	{
		path: "/openai/chat/completions", mediaType: "text/event-stream",
		begin: "data: " + `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n",
		token: "data: " + `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}` + "\n\n",
		end: "data: " + `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" +
			"data: " + `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":8,"total_tokens":9}}` + "\n\ndata: [DONE]\n\n",
	},
	{
		path: "/anthropic/v1/messages", mediaType: "text/event-stream",
		begin: "event: message_start\ndata: " + `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}` + "\n\n" +
			"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n",
		token: "event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}` + "\n\n",
		end: "event: content_block_stop\ndata: " + `{"type":"content_block_stop","index":0}` + "\n\n" +
			"event: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":8}}` + "\n\n" +
			"event: message_stop\ndata: " + `{"type":"message_stop"}` + "\n\n",
	},
	{
		path: "/ollama/api/chat", mediaType: "application/x-ndjson",
		token: `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"word "},"done":false}` + "\n",
		end:   `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":8}` + "\n",
	},
}

// Serve serves all providers on a free port of the loopback interface, until ctx is done. It prints its
// address in the form in which all servers of this program do.
func Serve(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, w := range wires {
		mux.HandleFunc("POST "+w.path, w.reply)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Fprintf(os.Stdout, "listening on http://%s\n", l.Addr())
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// reply reads a request and writes the reply, token by token.
func (w wire) reply(out http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	out.Header().Set("Content-Type", w.mediaType)
	flush := out.(http.Flusher)
	begin := w.begin
	for n := range tokens {
		if n == 0 {
			time.Sleep(firstToken)
		} else {
			time.Sleep(nextToken)
		}
		if _, err := io.WriteString(out, begin+w.token); err != nil {
			return // the client is gone
		}
		begin = ""
		flush.Flush()
	}
	_, _ = io.WriteString(out, w.end) // an error says that the client is gone
}
