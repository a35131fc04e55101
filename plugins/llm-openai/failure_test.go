package openaillm

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// TestModel_Chat_refused checks the class, the party and the configuration key of the error for each
// response of a server.
func TestModel_Chat_refused(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		class  fault.Class
		path   string
		party  fault.Party
	}{
		"wrong key":            {401, `{"error":{"message":"Incorrect API key provided: ` + testKey + `.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, fault.Unauthenticated, "api_key", fault.PartyTenant},
		"wrong key, Google":    {400, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]`, fault.Unauthenticated, "api_key", fault.PartyTenant},
		"no such country":      {403, `{"error":{"code":"unsupported_country_region_territory","message":"Country not supported","type":"request_forbidden"}}`, fault.Forbidden, "api_key", fault.PartyTenant},
		"no model":             {404, `{"error":{"message":"The model 'm' does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, fault.NotFound, "model", fault.PartyTenant},
		"no deployment":        {404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`, fault.NotFound, "model", fault.PartyTenant},
		"no model, vLLM":       {404, `{"object":"error","message":"The model 'm' does not exist.","type":"NotFoundError","param":null,"code":404}`, fault.NotFound, "model", fault.PartyTenant},
		"no model, OpenRouter": {400, `{"error":{"message":"m is not a valid model ID","code":400},"user_id":"u"}`, fault.NotFound, "model", fault.PartyTenant},
		"no model, DeepSeek":   {400, `{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":"model","code":"invalid_request_error"}}`, fault.NotFound, "model", fault.PartyTenant},
		"no route":             {404, `{"detail":"Not Found"}`, fault.NotFound, "base_url", fault.PartyTenant},
		"a page":               {404, `<html>nginx</html>`, fault.NotFound, "base_url", fault.PartyTenant},
		"no such method":       {405, ``, fault.NotFound, "base_url", fault.PartyTenant},
		"context":              {400, `{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, fault.ContextTooLong, "", fault.PartyCaller},
		"context, vLLM":        {400, `{"error":{"message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","param":null,"code":400}}`, fault.ContextTooLong, "", fault.PartyCaller},
		"context, llama.cpp":   {400, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}`, fault.ContextTooLong, "", fault.PartyCaller},
		"context, LM Studio":   {400, `{"error":"Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}`, fault.ContextTooLong, "", fault.PartyCaller},
		"context, Gemini":      {400, `[{"error":{"code":400,"message":"The input token count (1500000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]`, fault.ContextTooLong, "", fault.PartyCaller},
		"too large":            {413, `Request Entity Too Large`, fault.ContextTooLong, "", fault.PartyCaller},
		"filter, Azure":        {400, `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, fault.ContentFiltered, "", fault.PartyCaller},
		"filter, OpenRouter":   {403, `{"error":{"code":403,"message":"Your chosen model requires moderation and your input was flagged"}}`, fault.ContentFiltered, "", fault.PartyCaller},
		"quota":                {429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, fault.QuotaExhausted, "", fault.PartyTenant},
		"balance, DeepSeek":    {402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}`, fault.QuotaExhausted, "", fault.PartyTenant},
		"limit":                {429, `{"error":{"message":"Rate limit reached for m","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`, fault.RateLimited, "", fault.PartyProvider},
		"limit without words":  {429, ``, fault.RateLimited, "", fault.PartyProvider},
		"overloaded":           {529, `{"error":{"message":"overloaded"}}`, fault.RateLimited, "", fault.PartyProvider},
		"engine overloaded":    {503, `{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error"}}`, fault.RateLimited, "", fault.PartyProvider},
		"unavailable":          {503, `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, fault.ProviderFailed, "", fault.PartyProvider},
		"failed":               {500, `{"error":{"message":"The server had an error","type":"server_error"}}`, fault.ProviderFailed, "", fault.PartyProvider},
		"bad gateway":          {502, `<html>cloudflare</html>`, fault.ProviderFailed, "", fault.PartyProvider},
		"temperature":          {400, `{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_parameter"}}`, fault.Invalid, "temperature", fault.PartyTenant},
		"max tokens":           {400, `{"error":{"message":"max_tokens is too large","type":"invalid_request_error","param":"max_completion_tokens","code":null}}`, fault.Invalid, "max_tokens", fault.PartyTenant},
		"effort":               {400, `{"error":{"message":"Unsupported value","param":"reasoning.effort","code":"unsupported_value"}}`, fault.Invalid, "options.reasoning_effort", fault.PartyTenant},
		"image":                {400, `{"error":{"message":"Invalid image data","type":"invalid_request_error","param":null,"code":"invalid_image_format"}}`, fault.Invalid, "", fault.PartyCaller},
		"messages":             {400, `{"error":{"message":"Invalid value","param":"messages[2].role","code":"invalid_value"}}`, fault.Invalid, "", fault.PartyCaller},
		"validation":           {422, `{"detail":[{"loc":["body","tools"],"msg":"field required"}]}`, fault.Invalid, "", fault.PartyTenant},
		"the key in a page":    {500, `<html>` + testKey + `</html>`, fault.ProviderFailed, "", fault.PartyProvider},
		"the key in pieces":    {400, `{"error":{"message":"header 'Bearer ` + testKey[:15] + `...' is odd"}}`, fault.Invalid, "", fault.PartyTenant},
		"odd types":            {400, `{"error":{"message":{"a":1},"type":5,"param":[],"code":{}}}`, fault.Invalid, "", fault.PartyTenant},
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(*Config){nil, byResponses} {
				s := newServer(t)
				answer := func(w *stream) {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Retry-After", "7")
					w.WriteHeader(c.status)
					_, _ = fmt.Fprint(w.ResponseWriter, c.body)
				}
				s.chat = func(w *stream, _ *chatRequest) { answer(w) }
				s.responses = func(w *stream, _ *responsesRequest) { answer(w) }
				_, finish, err := talk(t.Context(), s.model(change), ask("Hi"))
				f := fault.Of(err)
				if err == nil || finish != nil || f.Class != c.class || f.Path.String() != c.path || f.Party != c.party || f.UpstreamStatus != c.status {
					t.Fatalf("%v: %+v", err, f)
				}
				wait := time.Duration(0)
				if f.Retryable {
					wait = 7 * time.Second
				}
				if f.RetryAfter != wait {
					t.Errorf("retry after %v; want %v", f.RetryAfter, wait)
				}
				for i := 0; i+10 <= len(testKey); i++ {
					if strings.Contains(f.Error(), testKey[i:i+10]) {
						t.Errorf("the error repeats the key: %v", f)
					}
				}
			}
		})
	}
}

// TestParseSaid checks that the forms of errors are read, and that neither lists within lists nor a long
// body are taken for an error: they would be parsed once for each level.
//
// beyond: error of an upstream
func TestParseSaid(t *testing.T) {
	long := strings.Repeat("x", sdk.MaxUpstreamErrorBytes)
	for name, c := range map[string]struct {
		body, message string
		isError       bool
	}{
		"an object":          {`{"error":{"message":"no"}}`, "no", true},
		"a text":             {`{"error":"no"}`, "no", true},
		"a list":             {`[{"error":{"message":"no"}},{"error":{"message":"yes"}}]`, "no", true},
		"no wrapper":         {`{"detail":"no"}`, "no", true},
		"any text":           {`no`, "no", false},
		"an empty list":      {`[]`, "[]", false},
		"a list in a list":   {`[[{"error":{"message":"no"}}]]`, `[{"error":{"message":"no"}}]`, false},
		"many lists":         {strings.Repeat("[", 5000) + `{"error":"no"}` + strings.Repeat("]", 5000), strings.Repeat("[", 4999) + `{"error":"no"}` + strings.Repeat("]", 4999), false},
		"as long as may be":  {`{"error":"` + long[12:] + `"}`, long[12:], true},
		"longer":             {`{"error":"` + long[11:] + `"}`, `{"error":"` + long[11:] + `"`, false},
		"a list, and longer": {`[{"error":"no"},"` + long + `"]`, `[{"error":"no"},"` + long[17:], false},
	} {
		t.Run(name, func(t *testing.T) {
			if s := parseSaid([]byte(c.body)); s.message != c.message || s.isError != c.isError {
				t.Errorf("got %.100q of %d bytes, %t", s.message, len(s.message), s.isError)
			}
		})
	}
}

// TestModel_Chat_once checks that the plugin sends a request once, whatever the server says.
func TestModel_Chat_once(t *testing.T) {
	calls := 0
	s := newServer(t)
	s.chat = func(w *stream, _ *chatRequest) {
		calls++
		w.Header().Set("X-Should-Retry", "true")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	if _, _, err := talk(t.Context(), s.model(nil), ask("Hi")); !fault.Is(err, fault.RateLimited) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// TestModel_Chat_noKey checks that the plugin sends no key if there is none, and that the error asks
// for one.
func TestModel_Chat_noKey(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "of-the-environment")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("OPENAI_ORG_ID", "org-of-the-environment")
	s := newServer(t)
	s.chat = func(w *stream, _ *chatRequest) { w.WriteHeader(http.StatusUnauthorized) }
	_, _, err := talk(t.Context(), s.model(func(c *Config) { c.APIKey = "" }), ask("Hi"))
	if f := fault.Of(err); f.Class != fault.Unauthenticated || !strings.Contains(f.Message, "asks for an api_key") {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{"Authorization", "Api-Key", "OpenAI-Organization", "OpenAI-Project"} {
		if got := s.header.Get(name); got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
}
