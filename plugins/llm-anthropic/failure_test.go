package anthropic

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// TestModel_Chat_refused checks the class, the party and the path of the error for each response of a
// server, and that the plugin sends each request once.
func TestModel_Chat_refused(t *testing.T) {
	const invalidType = "invalid_request_error"
	for name, c := range map[string]struct {
		status  int
		kind    string
		message string
		want    fault.Class
		party   fault.Party
		path    string
		after   time.Duration
	}{
		"prompt too long":     {400, invalidType, "prompt is too long: 200001 tokens > 200000 maximum", fault.ContextTooLong, fault.PartyCaller, "", 0},
		"no room for a reply": {400, invalidType, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", fault.ContextTooLong, fault.PartyCaller, "", 0},
		"too large":           {413, "request_too_large", "Request exceeds the maximum size", fault.ContextTooLong, fault.PartyCaller, "", 0},
		"key":                 {401, "authentication_error", "invalid x-api-key", fault.Unauthenticated, fault.PartyTenant, "api_key", 0},
		"permission":          {403, "permission_error", "Your API key does not have permission to use the specified resource", fault.Forbidden, fault.PartyTenant, "api_key", 0},
		"model":               {404, "not_found_error", "model: " + testModel, fault.NotFound, fault.PartyTenant, "model", 0},
		"file":                {404, "not_found_error", "File not found: file_1", fault.NotFound, fault.PartyCaller, "", 0},
		"route":               {404, "not_found_error", "Not Found", fault.NotFound, fault.PartyTenant, "base_url", 0},
		"rate":                {429, "rate_limit_error", "This request would exceed your organization's rate limit", fault.RateLimited, fault.PartyProvider, "", 7 * time.Second},
		"overloaded":          {529, "overloaded_error", "Overloaded", fault.RateLimited, fault.PartyProvider, "", 7 * time.Second},
		"server":              {500, "api_error", "Internal server error", fault.ProviderFailed, fault.PartyProvider, "", 0},
		"timeout":             {504, "timeout_error", "Request timed out", fault.ProviderFailed, fault.PartyProvider, "", 0},
		"billing":             {402, "billing_error", "There is an issue with your billing", fault.QuotaExhausted, fault.PartyTenant, "", 0},
		"no credit":           {400, invalidType, "Your credit balance is too low to access the Anthropic API.", fault.QuotaExhausted, fault.PartyTenant, "", 0},
		"usage limit":         {400, invalidType, "You have reached your specified API usage limits. You will regain access on 2027-01-01.", fault.QuotaExhausted, fault.PartyTenant, "", 0},
		"filter":              {400, invalidType, "Output blocked by content filtering policy", fault.ContentFiltered, fault.PartyCaller, "", 0},
		"image":               {400, invalidType, "messages.0.content.1.image.source.base64: invalid base64 data", fault.Invalid, fault.PartyCaller, "", 0},
		"tool":                {400, invalidType, "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", fault.Invalid, fault.PartyCaller, "", 0},
		"tokens":              {400, invalidType, "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for " + testModel, fault.Invalid, fault.PartyTenant, "max_tokens", 0},
		"temperature":         {400, invalidType, "`temperature` may only be set to 1 when thinking is enabled.", fault.Invalid, fault.PartyTenant, "temperature", 0},
		"budget":              {400, invalidType, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024", fault.Invalid, fault.PartyTenant, "options.thinking", 0},
		"forced call":         {400, invalidType, "Thinking may not be enabled when tool_choice forces tool use.", fault.Invalid, fault.PartyCaller, "tool_choice", 0},
		"anything":            {400, invalidType, "The flux capacitor is empty", fault.Invalid, fault.PartyTenant, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) {
				w.Header().Set("Retry-After", "7")
				refuse(w, c.status, c.kind, c.message)
			}
			_, finish, err := talk(t.Context(), s.open(nil), ask("Hi"))
			f := fault.Of(err)
			if f == nil || finish != nil {
				t.Fatalf("%v, %+v", err, finish)
			}
			if f.Class != c.want || f.Party != c.party || f.Path.String() != c.path || f.UpstreamStatus != c.status {
				t.Errorf("%s by %s at %s, status %d: %v", f.Class, f.Party, f.Path, f.UpstreamStatus, err)
			}
			if c.after != 0 && f.RetryAfter != c.after || f.RetryAfter != 0 && !f.Retryable {
				t.Errorf("retry after %s, %v", f.RetryAfter, f.Retryable)
			}
			if !strings.Contains(f.Message, c.message) && f.Path.String() != "base_url" {
				t.Errorf("the reason is missing in %q", f.Message)
			}
			if n := s.requests(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestModel_Chat_spendLimit checks that the error for a limit of spending differs from that for a limit
// of calls.
func TestModel_Chat_spendLimit(t *testing.T) {
	s := newServer(t)
	s.reply = func(w http.ResponseWriter, _ *wireRequest) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"type":"error","error":{"type":"rate_limit_error","message":"no","details":{"error_code":"enforced_spend_limit_reached"}}}`)
	}
	if _, _, err := talk(t.Context(), s.open(nil), ask("Hi")); !fault.Is(err, fault.QuotaExhausted) {
		t.Error(err)
	}
}

// TestModel_Chat_noAPI checks responses that do not come from the API.
func TestModel_Chat_noAPI(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   fault.Class
		path   string
	}{
		"a page": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, fault.NotFound, "base_url"},
		"another API": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"object":"list"}`)
		}, fault.NotFound, "base_url"},
		"a missing page":   {func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "404 page not found") }, fault.NotFound, "base_url"},
		"a broken gateway": {func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = io.WriteString(w, "bad gateway") }, fault.ProviderFailed, ""},
		"a late error": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
		}, fault.RateLimited, ""},
		"a redirect": {func(w http.ResponseWriter) { w.Header().Set("Location", "/v1/other"); w.WriteHeader(307) }, fault.Invalid, "base_url"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) { c.answer(w) }
			_, _, err := talk(t.Context(), s.open(nil), ask("Hi"))
			if f := fault.Of(err); f == nil || f.Class != c.want || f.Path.String() != c.path {
				t.Errorf("%+v", err)
			}
		})
	}
}

// TestModel_Chat_broken checks streams that fail. The caller gets the parts and the usage so far. The
// class of the error says whether a part of the reply came before.
func TestModel_Chat_broken(t *testing.T) {
	overloaded := `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`
	for name, c := range map[string]struct {
		events []string
		want   fault.Class
		text   string
		input  int64
	}{
		"nothing":                    {nil, fault.ProviderFailed, "", 0},
		"a start only":               {[]string{startEvent}, fault.ProviderFailed, "", 25},
		"half a reply":               {[]string{startEvent, textDelta(0, "Hel")}, fault.ProviderFailed, "Hel", 25},
		"no end of the message":      {[]string{startEvent, textDelta(0, "Hel"), blockStop(0)}, fault.ProviderFailed, "Hel", 25},
		"half a call at the end":     {[]string{startEvent, blockBegin(0, `{"type":"tool_use","id":"t","name":"n","input":{}}`), end("tool_use", 3)}, fault.ProviderFailed, "", 25},
		"overloaded at once":         {[]string{overloaded}, fault.RateLimited, "", 0},
		"overloaded before a part":   {[]string{startEvent, overloaded}, fault.RateLimited, "", 25},
		"overloaded in the middle":   {[]string{startEvent, textDelta(0, "Hel"), overloaded}, fault.ProviderFailed, "Hel", 25},
		"an error of no known type":  {[]string{startEvent, `{"type":"error","error":{"type":"new_error","message":"x"}}`}, fault.ProviderFailed, "", 25},
		"too long, said in a stream": {[]string{`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2 tokens > 1 maximum"}}`}, fault.ContextTooLong, "", 0},
		"no JSON":                    {[]string{startEvent, `{"type":`}, fault.ProviderFailed, "", 25},
		"no event":                   {[]string{startEvent, `{"type":"content_block_start","index":0,"content_block":7}`}, fault.ProviderFailed, "", 25},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) { stream(w, c.events...) }
			got, finish, err := talk(t.Context(), s.open(nil), ask("Hi"))
			if f := fault.Of(err); f == nil || f.Class != c.want {
				t.Errorf("%+v", err)
			}
			if text := (chat.Message{Parts: got}).Text(); text != c.text {
				t.Errorf("heard %q", text)
			}
			switch {
			case c.input == 0 && finish != nil, c.input > 0 && (finish == nil || finish.Usage.InputTokens != c.input || finish.Usage.OutputTokens < 1):
				t.Errorf("finish %+v", finish)
			}
			if n := s.requests(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestModel_secret checks that no error contains the API key, whatever a server says.
func TestModel_secret(t *testing.T) {
	said := "the key " + testKey + " is bad; you sent " + testKey[10:]
	for name, answer := range map[string]func(w http.ResponseWriter){
		"error":   func(w http.ResponseWriter) { refuse(w, 400, "invalid_request_error", said) },
		"key":     func(w http.ResponseWriter) { refuse(w, 401, "authentication_error", said) },
		"no JSON": func(w http.ResponseWriter) { w.WriteHeader(500); _, _ = io.WriteString(w, said) },
		"type":    func(w http.ResponseWriter) { refuse(w, 500, said, said) },
		"stream": func(w http.ResponseWriter) {
			stream(w, fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q}}`, said, said))
		},
		"later": func(w http.ResponseWriter) {
			stream(w, textDelta(0, "a"), fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q}}`, said, said))
		},
		"broken event": func(w http.ResponseWriter) { stream(w, startEvent); fmt.Fprintf(w, "data: %s\n\n", said) },
		"description":  nil,
		"no event data": func(w http.ResponseWriter) {
			stream(w)
			fmt.Fprintf(w, "data: {\"type\":\"content_block_start\",\"content_block\":%q}\n\n", said)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			m := s.open(nil)
			var err error
			if answer == nil {
				s.model = func(w http.ResponseWriter, _ string) { refuse(w, 403, "permission_error", said) }
				err = m.Check(t.Context())
			} else {
				s.reply = func(w http.ResponseWriter, _ *wireRequest) { answer(w) }
				_, _, err = talk(t.Context(), m, ask("Hi"))
			}
			f := fault.Of(err)
			if f == nil {
				t.Fatal("no error")
			}
			text := fmt.Sprintf("%s %+v %+v", err, *f, f.Err)
			for i := 0; i+8 <= len(testKey); i++ {
				if strings.Contains(text, testKey[i:i+8]) {
					t.Fatalf("%s", text)
				}
			}
		})
	}
}
