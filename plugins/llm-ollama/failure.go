package ollama

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// failure classifies a call that did not reach its end, although nobody gave it
// up. err is what api.Client returned, possibly nil; path is the key that names the
// model.
func (m *Model) failure(err error, seen *exchange, model, path string) *fault.Error {
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		return known
	}
	at := m.address()
	switch {
	case seen.status == 0:
		return m.unreachable(err)
	case seen.status >= http.StatusBadRequest:
		return m.refused(err, seen, model, path)
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
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fault.New(fault.ProviderFailed, "nothing listens at %s; is Ollama running? (%w)", m.address(), err)
	}
	return fault.New(fault.ProviderFailed, "no answer from %s; is Ollama running there? (%w)", m.address(), err)
}

// refused classifies an answer with an error status.
func (m *Model) refused(err error, seen *exchange, model, path string) *fault.Error {
	at, said := m.address(), m.reason(err, seen.status)
	var f *fault.Error
	switch status := seen.status; {
	case contextTooLong(status, said):
		f = fault.New(fault.ContextTooLong, "the conversation does not fit the context of %s: %s", model, said)
	case status == http.StatusUnauthorized:
		f = m.unauthorized(err)
	case status == http.StatusPaymentRequired:
		f = fault.New(fault.QuotaExhausted, "the account at %s has nothing left: %s", at, said)
	case status == http.StatusForbidden:
		f = fault.New(fault.Forbidden, "the Ollama server at %s does not allow this: %s", at, said)
	case status == http.StatusNotFound && isJSON(seen.contentType):
		f = fault.New(fault.NotFound, "the Ollama server at %s has no model %s; get it there with: ollama pull %s", at, model, model).
			At(path).By(fault.PartyTenant)
	case status == http.StatusNotFound:
		f = fault.New(fault.NotFound, "there is no Ollama API at %s", m.base.Redacted()).At("base_url").By(fault.PartyTenant)
	case status == http.StatusTooManyRequests:
		f = fault.New(fault.RateLimited, "the Ollama server at %s takes no more calls for now: %s", at, said).By(fault.PartyProvider)
	case status < http.StatusInternalServerError && status != statusClientClosed && status != http.StatusRequestTimeout:
		f = fault.New(fault.Invalid, "the Ollama server at %s refused the request: %s", at, said)
	default:
		f = fault.New(fault.ProviderFailed, "the Ollama server at %s failed: %s", at, said)
	}
	f.Err = err
	if seen.retryAfter > 0 && f.Retryable {
		f = f.After(seen.retryAfter)
	}
	return f.Upstream(seen.status)
}

// statusClientClosed is what Ollama answers when it gave a call up.
const statusClientClosed = 499

func (m *Model) unauthorized(err error) *fault.Error {
	f := fault.New(fault.Unauthenticated, "the Ollama server at %s asks for an api_key", m.address()).At("api_key")
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

func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == "application/json"
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
