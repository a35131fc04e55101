package anthropic

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
)

// busyRetry is how long the host waits before a retry, if a busy server does not say how long.
const busyRetry = 2 * time.Second

// statusOverloaded is the status of the API when it is overloaded.
const statusOverloaded = 529

// statusClientClosed is a proxy's status for a canceled call.
const statusClientClosed = 499

// refusal is what a server says when it does not do what a request asks for.
type refusal struct {
	kind, message, code string // the type, the message and the code of the error
	status              int    // the HTTP status, or the one that the type stands for
	retryAfter          time.Duration
	shaped              bool // the body has the form of the API's errors
}

// refusalOf returns the refusal in a response with an error status.
func refusalOf(e *api.Error, resp *upstream.Response) *refusal {
	r := &refusal{
		kind: string(e.Type()), message: e.Message, code: string(e.ErrorCode()), status: resp.Status, retryAfter: resp.RetryAfter,
	}
	r.shaped = r.kind != "" || r.message != ""
	if !r.shaped && !strings.Contains(resp.MediaType(), "html") {
		r.message = e.RawJSON()
	}
	if isBlank(r.message) {
		r.message = cmp.Or(strings.ToLower(http.StatusText(resp.Status)), "no reason given")
	}
	return r
}

// statusOfType maps types of errors to the HTTP statuses that the API sends them with. It serves for
// errors in a stream, whose response has a status of success.
var statusOfType = map[string]int{
	"invalid_request_error": http.StatusBadRequest,
	"authentication_error":  http.StatusUnauthorized,
	"billing_error":         http.StatusPaymentRequired,
	"permission_error":      http.StatusForbidden,
	"not_found_error":       http.StatusNotFound,
	"request_too_large":     http.StatusRequestEntityTooLarge,
	"rate_limit_error":      http.StatusTooManyRequests,
	"timeout_error":         http.StatusGatewayTimeout,
	"overloaded_error":      statusOverloaded,
}

// reported returns the error that an event of a stream reports. If a part of the reply has come, it is
// fault.ProviderFailed, whatever the type of the error.
func (m *Model) reported(e *reportedError, r *reply) *fault.Error {
	if r.order.Parts() > 0 {
		return fault.New(fault.ProviderFailed, "%s failed in the middle of the reply: %s", m.client.Server(), m.client.Said(e.Error()))
	}
	return m.refused(refusalIn(&e.said, 0))
}

// refusalIn returns the refusal in an error that came with a status of success. Its status is the one
// of the error's type.
func refusalIn(e *api.Error, retryAfter time.Duration) *refusal {
	status := cmp.Or(statusOfType[string(e.Type())], http.StatusInternalServerError)
	return &refusal{kind: string(e.Type()), message: e.Message, code: string(e.ErrorCode()), status: status, retryAfter: retryAfter, shaped: true}
}

// noStream returns the error of a response that has a status of success and is no stream of events.
func (m *Model) noStream(resp *upstream.Response) *fault.Error {
	var e api.Error
	if e.UnmarshalJSON(resp.ErrorBody()) == nil && e.Type() != "" {
		return m.refused(refusalIn(&e, resp.RetryAfter))
	}
	return m.noAPI(resp.Status)
}

// noAPI returns fault.NotFound at base_url, for a response that does not come from the API. Another
// server may listen there, or the path in base_url may be wrong.
func (m *Model) noAPI(status int) *fault.Error {
	return fault.New(fault.NotFound, "what answers at %s is no Messages API of Anthropic's", m.base.Redacted()).
		At("base_url").By(fault.PartyTenant).Upstream(status)
}

// refused returns the error for a refusal.
func (m *Model) refused(r *refusal) *fault.Error {
	f := m.classify(r)
	if r.retryAfter > 0 && f.Retryable {
		f = f.After(r.retryAfter)
	}
	return f.Upstream(r.status)
}

// classify returns the error for a refusal. It chooses the class, the party that is to blame, and the
// configuration key.
func (m *Model) classify(r *refusal) *fault.Error {
	at, said := m.client.Server(), m.client.Said(r.message)
	switch status := r.status; {
	case contextTooLong(r):
		return fault.New(fault.ContextTooLong, "the conversation does not fit the context of %s: %s", m.Model, said).By(fault.PartyCaller)
	case status == http.StatusRequestEntityTooLarge:
		return fault.New(fault.ContextTooLong, "%s takes no request as large as this: %s", at, said).By(fault.PartyCaller)
	case status == http.StatusPaymentRequired, isExhausted(r):
		return fault.New(fault.QuotaExhausted, "the account at %s has nothing left: %s", m.base.Host, said).By(fault.PartyTenant)
	case status == http.StatusUnauthorized && m.APIKey == "":
		return fault.New(fault.Unauthenticated, "%s asks for an api_key", at).At("api_key").By(fault.PartyTenant)
	case status == http.StatusUnauthorized:
		return fault.New(fault.Unauthenticated, "%s does not accept the api_key: %s", at, said).At("api_key").By(fault.PartyTenant)
	case status == http.StatusForbidden:
		return fault.New(fault.Forbidden, "%s does not allow this: %s", at, said).At("api_key").By(fault.PartyTenant)
	case status == http.StatusProxyAuthRequired:
		return fault.New(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, asks for credentials", m.base.Host)
	case status == http.StatusTooManyRequests:
		return fault.New(fault.RateLimited, "%s takes no more calls for now: %s", at, said).By(fault.PartyProvider).After(busyRetry)
	case status == statusOverloaded, r.kind == "overloaded_error":
		return fault.New(fault.RateLimited, "%s is overloaded: %s", at, said).By(fault.PartyProvider).After(busyRetry)
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented,
		status == http.StatusRequestTimeout, status == http.StatusConflict, status == statusClientClosed:
		return fault.New(fault.ProviderFailed, "%s failed: %s", at, said)
	case status == http.StatusNotFound && m.missesModel(r):
		return fault.New(fault.NotFound, "%s has no model %s for this key: %s", at, m.Model, said).At("model").By(fault.PartyTenant)
	case status == http.StatusNotFound && r.shaped && !strings.EqualFold(said, "not found"):
		return fault.New(fault.NotFound, "%s: %s", at, said).By(fault.PartyCaller) // a file that a message names
	case status == http.StatusBadRequest && r.shaped:
		return m.invalidRequest(r, said)
	case status == http.StatusBadRequest:
		return fault.New(fault.Invalid, "%s refused the request: %s", at, said).By(fault.PartyTenant)
	}
	return m.noAPI(r.status)
}

// missesModel reports whether the server says that the model is missing, as in "model: claude-none".
func (m *Model) missesModel(r *refusal) bool {
	return r.shaped && strings.Contains(strings.ToLower(r.message), strings.ToLower(m.Model))
}

// contextTooLong reports whether the server says that the conversation exceeds the context. The API has no
// type of error for this. Its messages are "prompt is too long: 200001 tokens > 200000 maximum" and "input
// length and `max_tokens` exceed context limit: 190000 + 20000 > 200000".
func contextTooLong(r *refusal) bool {
	if r.status != http.StatusBadRequest && r.status != http.StatusRequestEntityTooLarge {
		return false
	}
	said := strings.ToLower(r.message)
	return strings.Contains(said, "prompt is too long") ||
		strings.Contains(said, "exceed") && (strings.Contains(said, "context limit") || strings.Contains(said, "context window"))
}

// isExhausted reports whether the server says that the account has no credit left. The server also says
// so with the statuses 400 and 429.
func isExhausted(r *refusal) bool {
	if r.status != http.StatusBadRequest && r.status != http.StatusTooManyRequests {
		return false
	}
	said := strings.ToLower(r.message)
	return strings.HasSuffix(r.code, "spend_limit_reached") ||
		strings.Contains(said, "credit balance is too low") || strings.Contains(said, "specified api usage limits")
}

// keysOfFields maps parameters of the API to the configuration keys that set them. Messages of the API
// begin with a parameter, as in "max_tokens: 100000 > 64000, which is the maximum allowed".
var keysOfFields = map[string]string{
	"model": "model", "max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "stop_sequences": "stop",
	"top_k": "options.top_k", "thinking": "options.thinking", "output_config.effort": "options.effort", "speed": "options.speed",
	"service_tier": "options.service_tier", "inference_geo": "options.inference_geo",
}

// invalidRequest returns the error for a request that the API refused as invalid. It blames the tenant
// for the configuration, and the caller for messages, tools and the response format.
func (m *Model) invalidRequest(r *refusal, said string) *fault.Error {
	at := m.client.Server()
	if strings.Contains(strings.ToLower(r.message), "content filtering policy") {
		return fault.New(fault.ContentFiltered, "%s refused the content: %s", at, said)
	}
	f := fault.New(fault.Invalid, "%s refused the request: %s", at, said).By(fault.PartyTenant)
	field, _, _ := strings.Cut(r.message, ":")
	field = strings.Trim(field, "` ")
	for _, prefix := range []string{"messages", "tools", "tool_choice", "output_config.format"} {
		if field == prefix || strings.HasPrefix(field, prefix+".") {
			return f.By(fault.PartyCaller)
		}
	}
	if strings.Contains(r.message, "tool_choice") { // as in "Thinking may not be enabled when tool_choice forces tool use."
		return f.At("tool_choice").By(fault.PartyCaller)
	}
	if strings.HasPrefix(field, "thinking.") {
		field = "thinking"
	}
	if strings.Contains(r.message, "`temperature`") {
		field = "temperature"
	}
	if key, ok := keysOfFields[field]; ok {
		return f.At(fault.Keys(key)...)
	}
	return f
}
