package ollama

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// progress is how far an answer came.
type progress int

const (
	nothing     progress = iota
	ofTheAPI             // something that only Ollama says
	partOfReply          // of which the caller may have been shown something
)

// failure classifies a call that did not reach its end, although nobody gave it
// up. err is what api.Client returned, possibly nil; path is the key that names the
// model; came says what came before.
func (m *Model) failure(err error, seen *exchange, model, path string, came progress) *fault.Error {
	if known := (*fault.Error)(nil); errors.As(err, &known) || errors.As(seen.broke, &known) {
		return known
	}
	at := m.address()
	switch {
	case seen.status == 0:
		return m.unreachable(err)
	case seen.status >= http.StatusBadRequest:
		return m.refused(err, seen, model, path)
	case came < partOfReply && seen.broke == nil && err != nil && isBusy(err.Error()):
		return m.busy(err, seen, short(err.Error()))
	case came == nothing && seen.broke == nil && !speaksAPI(err, seen):
		return m.noAPI(seen.status)
	case seen.broke != nil: // before err, which then is a piece of the cut line
		return fault.New(fault.ProviderFailed, "the connection to the Ollama server at %s broke in the middle of the reply: %w", at, seen.broke)
	case err != nil:
		return fault.New(fault.ProviderFailed, "the Ollama server at %s reported: %s", at, short(err.Error()))
	}
	return fault.New(fault.ProviderFailed, "the Ollama server at %s ended the reply before it was complete", at)
}

func (m *Model) unreachable(err error) *fault.Error {
	// The client's own words name the placeholder that it knows the server by.
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var header tls.RecordHeaderError
	if refused := egress.Of(err); refused != nil {
		return notAllowed(refused)
	}
	switch {
	case ofProxy(err):
		return fault.New(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, does not lead there: %w", m.address(), err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(fault.ProviderFailed, "nothing listens at %s; is Ollama running? (%w)", m.address(), err).At("base_url")
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return fault.New(fault.Invalid, "what listens at %s speaks no TLS; expected http:// (%w)", m.address(), err).At("base_url").By(fault.PartyTenant)
	}
	return fault.New(fault.ProviderFailed, "no answer from %s; is Ollama running there? (%w)", m.address(), err).At("base_url")
}

// noAPI is of an answer that Ollama does not give: another server's, or that of a path
// where it has nothing.
func (m *Model) noAPI(status int) *fault.Error {
	return fault.New(fault.NotFound, "what answers at %s is no Ollama API", m.base.Redacted()).
		At("base_url").By(fault.PartyTenant).Upstream(status)
}

// speaksAPI reports whether an answer has the form of Ollama's: JSON, with errors as a
// text under "error". err is the client's; an answer without one has nothing but its
// type to know it by.
func speaksAPI(err error, seen *exchange) bool {
	t, _, typeErr := mime.ParseMediaType(seen.contentType)
	stream := t == "application/x-ndjson"
	if typeErr != nil || t != "application/json" && !stream {
		return false
	}
	if err == nil {
		return stream
	}
	said := err.Error()
	if s := (api.StatusError{}); errors.As(err, &s) {
		said = s.ErrorMessage
	}
	// An error that is no text comes from the client as the whole of the answer.
	return said != "" && !json.Valid([]byte(said))
}

// refused classifies an answer with an error status.
func (m *Model) refused(err error, seen *exchange, model, path string) *fault.Error {
	at, said := m.address(), m.reason(err, seen.status)
	own := speaksAPI(err, seen)
	var f *fault.Error
	switch status := seen.status; {
	case contextTooLong(status, said):
		f = fault.New(fault.ContextTooLong, "the conversation does not fit the context of %s: %s", model, said).By(fault.PartyCaller)
	case status == http.StatusRequestEntityTooLarge:
		f = fault.New(fault.ContextTooLong, "the server at %s takes no request as large as this: %s", at, said).By(fault.PartyCaller)
	case status == http.StatusUnauthorized:
		f = m.unauthorized(err)
	case status == http.StatusProxyAuthRequired:
		f = fault.New(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, asks for credentials", at)
	case status == http.StatusPaymentRequired:
		f = fault.New(fault.QuotaExhausted, "the account at %s has nothing left: %s", at, said).By(fault.PartyTenant)
	case status == http.StatusForbidden:
		f = fault.New(fault.Forbidden, "the Ollama server at %s does not allow this: %s", at, said).By(fault.PartyTenant)
		if m.apiKey != "" || !own {
			f.Path = "api_key"
		}
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError && isBusy(said):
		return m.busy(err, seen, said)
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented,
		status == statusClientClosed, status == http.StatusRequestTimeout:
		f = fault.New(fault.ProviderFailed, "the Ollama server at %s failed: %s", at, said)
	case status == http.StatusNotFound && own && missesModel(said, model):
		f = fault.New(fault.NotFound, "the Ollama server at %s has no model %s; get it there with: ollama pull %s", at, model, model).
			At(path).By(fault.PartyTenant)
	case !own, status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		f = m.noAPI(status)
	default:
		f = m.invalidRequest(said, path)
	}
	f.Err = err
	if seen.retryAfter > 0 && f.Retryable {
		f = f.After(seen.retryAfter)
	}
	return f.Upstream(seen.status)
}

// invalidRequest is a refusal of what was asked. Callers send messages and choose
// nothing else: all but the messages is of the tenant's settings.
func (m *Model) invalidRequest(said, path string) *fault.Error {
	f := fault.New(fault.Invalid, "the Ollama server at %s refused the request: %s", m.address(), said).By(fault.PartyTenant)
	lower := strings.ToLower(said)
	switch {
	case strings.Contains(lower, "does not support thinking"), strings.Contains(lower, "think value"):
		return f.At("think")
	case strings.Contains(lower, "does not support vision"), strings.Contains(lower, "image"):
		return f.By(fault.PartyCaller)
	case strings.Contains(lower, "option"):
		return f.At("options")
	case strings.Contains(lower, "does not support"), strings.Contains(lower, "model"):
		return f.At(path)
	}
	return f
}

// busyRetry is when to come again to a server that does not say it.
const busyRetry = 2 * time.Second

// busy is of a server that is well and takes no more calls for now.
func (m *Model) busy(err error, seen *exchange, said string) *fault.Error {
	f := fault.New(fault.RateLimited, "the Ollama server at %s takes no more calls for now: %s", m.address(), said).By(fault.PartyProvider)
	f.Err = err
	return f.After(cmp.Or(seen.retryAfter, busyRetry)).Upstream(seen.status)
}

// busyWords are what Ollama and its runners say when they are well and take no more calls:
// "server busy, please try again.  maximum pending requests exceeded" when more than
// OLLAMA_MAX_QUEUE requests wait, with 503; "llm busy - no slots available" of a runner, with
// 500; and what its cloud says of too many calls, which can stand in a stream too. Proxies
// before it make plain text of them.
var busyWords = []string{
	"server busy", "maximum pending requests", "llm busy", "no slots available", "too many concurrent requests", "too many requests", "overloaded",
}

func isBusy(said string) bool {
	said = strings.ToLower(said)
	return slices.ContainsFunc(busyWords, func(words string) bool { return strings.Contains(said, words) })
}

// missesModel reads "model 'NAME' not found" and "model \"NAME\" not found, try pulling it
// first", which is all that tells a missing model from a missing route.
func missesModel(said, model string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "not found") && strings.Contains(said, "model") &&
		strings.Contains(said, strings.ToLower(model))
}

// statusClientClosed is what Ollama answers when it gave a call up.
const statusClientClosed = 499

func (m *Model) unauthorized(err error) *fault.Error {
	f := fault.New(fault.Unauthenticated, "the Ollama server at %s asks for an api_key", m.address()).At("api_key").By(fault.PartyTenant)
	var auth api.AuthorizationError
	switch {
	case errors.As(err, &auth) && auth.SigninURL != "":
		// The URL names the server's own key: it is not for the caller's eyes.
		f.Path, f.Message = "model", "the Ollama server at "+m.address()+" is not signed in, which this model needs; run there: ollama signin"
	case m.apiKey != "":
		f.Message = "the Ollama server at " + m.address() + " does not accept the api_key"
	}
	return f
}

// reason is the server's own message, or the status in words.
func (m *Model) reason(err error, status int) string {
	var s api.StatusError
	if errors.As(err, &s) && s.ErrorMessage != "" {
		return short(s.ErrorMessage)
	}
	if text := http.StatusText(status); text != "" {
		return strings.ToLower(text)
	}
	return "no reason given"
}

// contextTooLong reads the message, since Ollama gives such errors no code of their
// own: "the input length exceeds the context length" and the like.
func contextTooLong(status int, said string) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusInternalServerError:
	default:
		return false
	}
	said = strings.ToLower(said)
	return strings.Contains(said, "prompt is too long") ||
		strings.Contains(said, "context") && (strings.Contains(said, "exceed") || strings.Contains(said, "too long"))
}

// maxReason bounds what an error repeats of the server's words.
const maxReason = 300

// short makes one line of s, and not a long one.
func short(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?")
	if r := []rune(s); len(r) > maxReason {
		s = string(r[:maxReason]) + "…"
	}
	return s
}
