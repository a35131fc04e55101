package openaillm

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
)

// said is what a server says about an error.
type said struct {
	message string
	code    string // such as context_length_exceeded
	kind    string // the type, such as invalid_request_error
	param   string // the parameter that is wrong
	isError bool   // the text has the form of an error
}

// parseSaid reads an error in one of the forms that servers have: {"error": {...}}, {"error": "..."}, a
// list with one of them, an error without a wrapper, or any text. What exceeds sdk.MaxUpstreamErrorBytes
// is no error of these forms: parseSaid parses nothing of it.
func parseSaid(body []byte) said {
	if len(body) > sdk.MaxUpstreamErrorBytes {
		return said{message: string(body[:sdk.MaxUpstreamErrorBytes])}
	}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 { // Google's
		body = list[0] // if it is a list again, the body is any text
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return said{message: string(body)}
	}
	if wrapped := top["error"]; len(wrapped) > 0 && string(wrapped) != "null" {
		s := said{isError: true}
		if json.Unmarshal(wrapped, &s.message) == nil {
			s.message, s.code = plain(wrapped), plain(top["code"])
			return s
		}
		var inner map[string]json.RawMessage
		_ = json.Unmarshal(wrapped, &inner)
		return fieldsOf(inner, true)
	}
	kind := plain(top["type"])
	return fieldsOf(top, kind == "error" || plain(top["object"]) == "error" || top["choices"] == nil && (top["message"] != nil || top["detail"] != nil))
}

// fieldsOf reads the fields of an error. OpenRouter puts the error of the server behind it into
// metadata.
func fieldsOf(o map[string]json.RawMessage, isError bool) said {
	s := said{message: plain(o["message"]), code: plain(o["code"]), kind: plain(o["type"]), param: plain(o["param"]), isError: isError}
	if s.message == "" {
		s.message = plain(o["detail"])
	}
	if raw := member(string(o["metadata"]), "raw"); raw != "" {
		s.message += ": " + plain(json.RawMessage(raw))
	}
	if status := plain(o["status"]); s.kind == "" {
		s.kind = status // Google has INVALID_ARGUMENT and others here
	}
	if inner := member(string(o["innererror"]), "code"); inner != "" && s.code == "" {
		s.code = plain(json.RawMessage(inner)) // the form of Azure
	}
	return s
}

// plain returns the text of a JSON string, "" for null, and other JSON as it is.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// status returns the code of the error if it is an HTTP status from 400 to 599, or else 0.
func (s *said) status() int {
	n, err := strconv.Atoi(s.code)
	if err != nil || n < 400 || n > 599 {
		return 0
	}
	return n
}

// is reports whether the code or the type of the error is one of the names.
func (s *said) is(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(s.code, name) || strings.EqualFold(s.kind, name) })
}

// has reports whether the message contains one of the words, in upper or lower case. The words are
// given in lower case.
func (s *said) has(words ...string) bool {
	low := strings.ToLower(s.message)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
}

// errUnreadable is in the chain of the error for a server that cannot read the reasoning in a request.
var errUnreadable = errors.New("the server cannot read the reasoning of earlier turns")

// refused returns the error for a response with an error status. It reads the body.
func (m *Model) refused(resp *upstream.Response, c *call) *fault.Error {
	s := parseSaid(resp.ErrorBody())
	f := m.classify(&s, resp.Status, c)
	if s.is("invalid_encrypted_content") {
		f.Err = errUnreadable
	}
	if resp.RetryAfter > 0 && f.Retryable {
		f = f.After(resp.RetryAfter)
	}
	return f.Upstream(resp.Status)
}

// reported returns the error for what a server reports after a status of success, such as in a stream.
func (m *Model) reported(s said) *fault.Error {
	status := s.status()
	if status == 0 {
		switch {
		case s.is("invalid_request_error", "bad_request", "INVALID_ARGUMENT", "invalid_prompt", "BadRequestError"):
			status = http.StatusBadRequest
		case s.is("rate_limit_exceeded", "rate_limit_error", "too_many_requests", "RESOURCE_EXHAUSTED"):
			status = http.StatusTooManyRequests
		default:
			status = http.StatusInternalServerError
		}
	}
	f := m.classify(&s, status, &call{model: m.Model, key: "model"})
	if s.status() != 0 {
		f = f.Upstream(status)
	}
	return f
}

// classify returns the error for what a server said with the status. It chooses the class, the party
// that is to blame, and the configuration key.
func (m *Model) classify(s *said, status int, c *call) *fault.Error {
	at, text := m.client.Server(), m.client.Said(s.message)
	if text == "" {
		text = strings.ToLower(http.StatusText(status))
	}
	failed := func(class fault.Class, format string, args ...any) *fault.Error {
		return fault.New(class, format, args...)
	}
	switch {
	case s.is("insufficient_quota", "billing_hard_limit_reached", "billing_not_active") || status == http.StatusPaymentRequired ||
		status == http.StatusTooManyRequests && s.has("exceeded your current quota", "insufficient balance", "insufficient credits"):
		return failed(fault.QuotaExhausted, "the account at %s has nothing left: %s", m.base.Host, text).By(fault.PartyTenant)
	case s.is("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation_blocked", "prompt_blocked") ||
		status == http.StatusForbidden && s.has("moderation", "flagged"):
		return failed(fault.ContentFiltered, "%s refused the content: %s", at, text).By(fault.PartyCaller)
	case m.isContextTooLong(s, status):
		return failed(fault.ContextTooLong, "the conversation does not fit the context of %s: %s", c.model, text).By(fault.PartyCaller)
	case status == http.StatusRequestEntityTooLarge:
		return failed(fault.ContextTooLong, "%s takes no request as large as this: %s", at, text).By(fault.PartyCaller)
	case status == http.StatusUnauthorized, s.is("invalid_api_key", "API_KEY_INVALID", "invalid_authentication"),
		status == http.StatusBadRequest && s.has("api key not valid", "api key is invalid", "invalid api key"):
		return m.unauthorized(text)
	case status == http.StatusForbidden:
		return failed(fault.Forbidden, "%s does not allow this: %s", at, text).At("api_key").By(fault.PartyTenant)
	case status == http.StatusProxyAuthRequired:
		return failed(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, asks for credentials", m.base.Host)
	case m.missesModel(s, status, c):
		return failed(fault.NotFound, "%s has no model %s: %s", at, c.model, text).At(c.key).By(fault.PartyTenant)
	case status == http.StatusTooManyRequests, status == statusOverloaded, status >= 500 && s.has("overloaded", "server busy", "no slots available"):
		return failed(fault.RateLimited, "%s takes no more calls for now: %s", at, text).By(fault.PartyProvider)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented, status < http.StatusBadRequest:
		f := m.noAPI(status)
		if s.isError {
			f.Message += ": " + text
		}
		return f
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusConflict,
		status == http.StatusTooEarly, status == statusClientClosed, status == http.StatusFailedDependency:
		return failed(fault.ProviderFailed, "%s failed: %s", at, text)
	}
	return m.invalidRequest(s, text, c)
}

const (
	statusOverloaded   = 529 // of servers that are overloaded
	statusClientClosed = 499 // of proxies whose client has gone
)

// noAPI returns fault.NotFound at base_url, for a response of a server that has no API like OpenAI's.
// Another server may listen there, or the path in base_url may be wrong.
func (m *Model) noAPI(status int) *fault.Error {
	return fault.New(fault.NotFound, "what answers at %s is no such API; expected the path before chat/completions, such as %s", m.base.Redacted(), defaultBaseURL).
		At("base_url").By(fault.PartyTenant).Upstream(status)
}

// unauthorized returns the error for an API key that is missing or wrong. text is what the server said.
func (m *Model) unauthorized(text string) *fault.Error {
	f := fault.New(fault.Unauthenticated, "%s asks for an api_key", m.client.Server())
	if m.APIKey != "" {
		f = fault.New(fault.Unauthenticated, "%s does not accept the api_key: %s", m.client.Server(), text)
	}
	return f.At("api_key").By(fault.PartyTenant)
}

// isContextTooLong reports whether the server says that the conversation exceeds the model's context.
// Most servers say so only in words.
func (m *Model) isContextTooLong(s *said, status int) bool {
	if s.is("context_length_exceeded", "exceed_context_size_error", "string_above_max_length", "context_window_exceeded") {
		return true
	}
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity && status < http.StatusInternalServerError {
		return false
	}
	return s.has("maximum context length", "context length exceeded", "exceeds the context", "context window", "available context size",
		"prompt is too long", "too many tokens", "input token count", "maximum input length", "reduce the length of the messages",
		"larger than the context", "larger context length", "longer than the maximum model length", "greater than the context length")
}

// missesModel reports whether the server says that it does not have the model.
func (m *Model) missesModel(s *said, status int, c *call) bool {
	switch {
	case c.model == "" || status != http.StatusNotFound && status != http.StatusBadRequest && status != http.StatusUnprocessableEntity:
		return false
	case s.is("model_not_found", "DeploymentNotFound", "model_not_available", "invalid_model", "unknown_model"):
		return true
	}
	return s.has("model") && s.has("not found", "does not exist", "not a valid model", "not exist", "unknown model", "no such model", "is not available") &&
		(status == http.StatusNotFound || s.has(strings.ToLower(c.model)) || s.param == "model")
}

// parameterKeys maps parameters of the API to the configuration keys that set them.
var parameterKeys = map[string]string{
	"model": "model", "temperature": "temperature", "top_p": "top_p", "stop": "stop", "seed": "seed",
	"max_tokens": "max_tokens", "max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens",
	"reasoning_effort": "options.reasoning_effort", "reasoning.effort": "options.reasoning_effort", "reasoning.summary": "options.reasoning_summary",
	"verbosity": "options.verbosity", "text.verbosity": "options.verbosity", "service_tier": "options.service_tier",
	"frequency_penalty": "options.frequency_penalty", "presence_penalty": "options.presence_penalty", "top_k": "options.top_k",
	"min_p": "options.min_p", "repetition_penalty": "options.repetition_penalty", "prompt_cache_retention": "options.prompt_cache_retention",
	"stream_options": "options.stream_usage", "chat_template_kwargs": "options.chat_template_kwargs",
	"dimensions": "dimensions",
}

// callerParameters are the parameters that come from the request and not from the configuration. They
// stand for the parameters below them too.
var callerParameters = []string{"messages", "input", "tools", "tool_choice", "response_format", "text.format", "parallel_tool_calls"}

// invalidRequest returns the error for a request that the server refused as invalid. It blames the
// tenant for parameters of the configuration, and the caller for parameters of the request.
func (m *Model) invalidRequest(s *said, text string, c *call) *fault.Error {
	f := fault.New(fault.Invalid, "%s refused the request: %s", m.client.Server(), text).By(fault.PartyTenant)
	if key := parameterKeys[s.param]; key == "model" {
		return f.At(c.key)
	} else if key != "" {
		return f.At(fault.Keys(key)...)
	}
	for _, name := range callerParameters {
		if s.param == name || strings.HasPrefix(s.param, name+".") || strings.HasPrefix(s.param, name+"[") {
			return f.By(fault.PartyCaller)
		}
	}
	if s.has("image", "audio", "invalid_image", "schema") {
		return f.By(fault.PartyCaller)
	}
	return f
}
