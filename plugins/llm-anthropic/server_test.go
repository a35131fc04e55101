package anthropic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// newestVersion is the version of the API with which Anthropic's client sends requests.
const newestVersion = "2026-10-21"

const (
	testKey   = "sk-ant-a-secret-of-the-tests-1234567890"
	testModel = "claude-sonnet-4-6"
)

// server is a server of the Messages API whose answers a test writes. It refuses requests that the API
// would refuse.
type server struct {
	*httptest.Server
	t *testing.T

	reply func(w http.ResponseWriter, req *wireRequest)
	model func(w http.ResponseWriter, id string) // nil refuses the route, as servers that lack it

	mu      sync.Mutex
	headers http.Header // of the newest request
	path    string
	bodies  []json.RawMessage
}

func newServer(t *testing.T) *server {
	s := &server{t: t}
	s.reply = func(w http.ResponseWriter, _ *wireRequest) { stream(w, helloEvents...) }
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Server.Close)
	return s
}

// open returns an instance for this server. Cleanup closes the instance before the server.
func (s *server) open(change func(*Config)) *Model {
	s.t.Helper()
	cfg := Config{BaseURL: s.URL, APIKey: testKey, Model: testModel}
	if change != nil {
		change(&cfg)
	}
	return open(s.t, cfg)
}

func open(t *testing.T, cfg Config) *Model {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// body returns the body of the newest request.
func (s *server) body() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[len(s.bodies)-1]
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

// header returns a header of the newest request.
func (s *server) header(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers.Get(name)
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.headers, s.path = r.Header.Clone(), r.URL.Path
	s.mu.Unlock()
	if r.Header.Get("X-Api-Key") != testKey {
		refuse(w, http.StatusUnauthorized, "authentication_error", "invalid x-api-key")
		return
	}
	version := r.Header.Get("Anthropic-Version")
	if version != newestVersion && version != samplingVersion {
		s.t.Errorf("anthropic-version is %q", version)
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/v1/models/"); ok && r.Method == http.MethodGet && s.model != nil {
		s.model(w, id)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/messages" {
		http.NotFound(w, r)
		return
	}
	if accept := r.Header.Get("Accept"); accept != eventStream {
		s.t.Errorf("Accept is %q", accept)
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.bodies = append(s.bodies, body)
	s.mu.Unlock()
	req, err := parseWire(body)
	if err != nil {
		s.t.Errorf("a request that the API refuses: %v\n%s", err, body)
		refuse(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	req.closed = r.Context().Done()
	s.reply(w, req)
}

// wireRequest has the fields of a request that the API takes.
type wireRequest struct {
	closed <-chan struct{} // is closed when the client closes the connection

	Model         string          `json:"model"`
	MaxTokens     int64           `json:"max_tokens"`
	Stream        bool            `json:"stream"`
	System        []wireBlock     `json:"system"`
	Messages      []wireMessage   `json:"messages"`
	Tools         []wireTool      `json:"tools"`
	ToolChoice    *wireToolChoice `json:"tool_choice"`
	StopSequences []string        `json:"stop_sequences"`
	Temperature   *float64        `json:"temperature"`
	TopP          *float64        `json:"top_p"`
	TopK          *int64          `json:"top_k"`
	Thinking      *struct {
		Type         string `json:"type"`
		BudgetTokens int64  `json:"budget_tokens"`
		Display      string `json:"display"`
	} `json:"thinking"`
	OutputConfig *struct {
		Effort string `json:"effort"`
		Format *struct {
			Type   string          `json:"type"`
			Schema json.RawMessage `json:"schema"`
		} `json:"format"`
	} `json:"output_config"`
	ServiceTier  string `json:"service_tier"`
	Speed        string `json:"speed"`
	InferenceGeo string `json:"inference_geo"`
}

type wireMessage struct {
	Role    string      `json:"role"`
	Content []wireBlock `json:"content"`
}

type wireTool struct {
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"input_schema"`
	CacheControl *wireCache      `json:"cache_control"`
}

type wireToolChoice struct {
	Type                   string `json:"type"`
	Name                   string `json:"name"`
	DisableParallelToolUse bool   `json:"disable_parallel_tool_use"`
}

type wireCache struct {
	Type string `json:"type"`
	TTL  string `json:"ttl"`
}

// wireBlock is a block of a request. It has the fields that the checks need.
type wireBlock struct {
	Type         string          `json:"type"`
	Text         string          `json:"text"`
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Input        json.RawMessage `json:"input"`
	ToolUseID    string          `json:"tool_use_id"`
	IsError      bool            `json:"is_error"`
	Content      []wireBlock     `json:"content"`
	Thinking     string          `json:"thinking"`
	Signature    string          `json:"signature"`
	Data         string          `json:"data"`
	Title        string          `json:"title"`
	CacheControl *wireCache      `json:"cache_control"`
	Citations    *struct {
		Enabled bool `json:"enabled"`
	} `json:"citations"`
	Source *struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		Data      string `json:"data"`
		URL       string `json:"url"`
		FileID    string `json:"file_id"`
	} `json:"source"`
}

// fieldsOf are the fields of each type of block.
var fieldsOf = map[string]string{
	"text":              "type text cache_control",
	"image":             "type source cache_control",
	"document":          "type source title citations cache_control",
	"tool_use":          "type id name input cache_control",
	"tool_result":       "type tool_use_id content is_error cache_control",
	"thinking":          "type thinking signature",
	"redacted_thinking": "type data",
	"server_tool_use":   "type id name input",
}

// UnmarshalJSON refuses fields that the block's type does not have.
func (b *wireBlock) UnmarshalJSON(text []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return err
	}
	type plain wireBlock
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode((*plain)(b)); err != nil {
		return err
	}
	for key := range keys {
		if !strings.Contains(" "+fieldsOf[b.Type]+" ", " "+key+" ") {
			return fmt.Errorf("a block of the type %q has the field %s", b.Type, key)
		}
	}
	return nil
}

var toolID = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// parseWire parses a request, and returns an error for what the API refuses.
func parseWire(body []byte) (*wireRequest, error) {
	req := &wireRequest{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(req); err != nil {
		return nil, err
	}
	switch {
	case req.Model == "" || req.MaxTokens < 1 || !req.Stream || len(req.Messages) == 0:
		return nil, fmt.Errorf("model, max_tokens, stream or messages are missing")
	case req.Messages[0].Role != "user":
		return nil, fmt.Errorf("messages: first message must use the \"user\" role")
	}
	marks := bytes.Count(body, []byte(`"cache_control"`))
	if marks > 4 {
		return nil, fmt.Errorf("%d cache breakpoints", marks)
	}
	open := map[string]bool{} // calls of the message before
	for i, m := range req.Messages {
		if i > 0 && m.Role == req.Messages[i-1].Role {
			return nil, fmt.Errorf("messages.%d: two of one role", i)
		}
		if len(m.Content) == 0 {
			return nil, fmt.Errorf("messages.%d: content is empty", i)
		}
		calls, other := map[string]bool{}, false
		for _, b := range m.Content {
			switch b.Type {
			case "text":
				if strings.TrimSpace(b.Text) == "" {
					return nil, fmt.Errorf("messages.%d: text content blocks must contain non-whitespace text", i)
				}
			case "tool_use":
				if !toolID.MatchString(b.ID) || !isObject(b.Input) {
					return nil, fmt.Errorf("messages.%d: tool_use %s %s", i, b.ID, b.Input)
				}
				calls[b.ID] = true
			case "tool_result":
				if other || !open[b.ToolUseID] {
					return nil, fmt.Errorf("messages.%d: tool_result %s has no call before it, or is not first", i, b.ToolUseID)
				}
				delete(open, b.ToolUseID)
				continue
			}
			other = true
		}
		if len(open) > 0 {
			return nil, fmt.Errorf("messages.%d: calls without a result: %v", i, open)
		}
		open = calls
	}
	return req, nil
}

// stream writes the events, each with its type as its name.
func stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, e := range events {
		sendEvent(w, e)
	}
}

func sendEvent(w http.ResponseWriter, event string) {
	var head struct{ Type string }
	_ = json.Unmarshal([]byte(event), &head)
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", head.Type, event)
	w.(http.Flusher).Flush()
}

// refuse writes an error as the API does.
func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text, _ := json.Marshal(map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": "req_1"})
	_, _ = w.Write(text)
}

const (
	startEvent = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`
	stopEvent  = `{"type":"message_stop"}`
)

// helloEvents are the events of a short reply, as the API sends them.
var helloEvents = []string{
	startEvent,
	`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
	`{"type":"ping"}`,
	textDelta(0, "Hello"),
	textDelta(0, "!"),
	blockStop(0),
	end("end_turn", 15),
	stopEvent,
}

func textDelta(index int, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%q}}`, index, text)
}

func inputDelta(index int, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":%q}}`, index, text)
}

func blockBegin(index int, block string) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, index, block)
}

func blockStop(index int) string {
	return fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, index)
}

func end(reason string, tokens int) string {
	return fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q,"stop_sequence":null},"usage":{"output_tokens":%d}}`, reason, tokens)
}

func ask(text string) *llm.Request {
	return &llm.Request{Messages: []chat.Message{chat.Text(chat.User, text)}}
}

// talk calls Chat and returns the parts of the reply.
func talk(ctx context.Context, m *Model, req *llm.Request) ([]chat.Part, *llm.Finish, error) {
	var got llm.Joiner
	finish, err := m.Chat(ctx, req, func(d llm.Delta) error { got.Add(&d); return nil })
	return got.Parts(), finish, err
}

// sameJSON reports whether both texts are the same JSON value.
func sameJSON(t *testing.T, got, want []byte) bool {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	return reflect.DeepEqual(g, w)
}

func receive(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Error(what)
	}
}

func textPart(text string) chat.Part { return chat.Part{Text: text} }
