package ollama

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// noAPI returns the error for a response that does not come from the Ollama API. Another server may listen
// at base_url, or the path in base_url may be wrong.
func (m *Model) noAPI(status int) *fault.Error {
	return fault.New(fault.NotFound, "what answers at %s is no Ollama API", m.base.Redacted()).
		At("base_url").By(fault.PartyTenant).Upstream(status)
}

// speaksAPI reports whether a response has the form of Ollama's responses: JSON whose field "error", if
// any, is a string. err is the error of api.Client. If err is nil, only the content type decides.
func speaksAPI(err error, seen *exchange) bool {
	t, _, typeErr := mime.ParseMediaType(seen.contentType)
	stream := t == "application/x-ndjson"
	if typeErr != nil || t != "application/json" && !stream {
		return false
	}
	if err == nil {
		return stream
	}
	said := messageOf(err)
	// If the field "error" is not a string, api.Client returns the whole JSON body as the error text.
	return said != "" && !json.Valid([]byte(said))
}

// messageOf returns the message of the server in err, without the text of the HTTP status.
func messageOf(err error) string {
	if s := (api.StatusError{}); errors.As(err, &s) {
		return s.ErrorMessage
	}
	return err.Error()
}

// refused returns the error for a response with an error status.
func (m *Model) refused(err error, seen *exchange, model, path string) *fault.Error {
	text := reasonOf(err, seen.status)
	at, said := m.address(), m.said(text)
	reason := short(text) // with the key, which may be a word that decides
	own := speaksAPI(err, seen)
	var f *fault.Error
	switch status := seen.status; {
	case contextTooLong(status, reason):
		f = fault.New(fault.ContextTooLong, "the conversation does not fit the context of %s: %s", model, said).By(fault.PartyCaller)
	case status == http.StatusRequestEntityTooLarge:
		f = fault.New(fault.ContextTooLong, "the server at %s takes no request as large as this: %s", at, said).By(fault.PartyCaller)
	case status == http.StatusUnauthorized:
		f = m.unauthorized(err, path)
	case status == http.StatusProxyAuthRequired:
		f = fault.New(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, asks for credentials", at)
	case status == http.StatusPaymentRequired:
		f = fault.New(fault.QuotaExhausted, "the account at %s has nothing left: %s", at, said).By(fault.PartyTenant)
	case status == http.StatusForbidden:
		f = fault.New(fault.Forbidden, "the Ollama server at %s does not allow this: %s", at, said).By(fault.PartyTenant)
		if m.apiKey != "" || !own {
			f.Path = fault.Path{"api_key"}
		}
	case isBadImage(reason): // the server reports it as its own failure
		f = fault.New(fault.Invalid, "the Ollama server at %s cannot read an image of the messages: %s", at, said).By(fault.PartyCaller)
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError && isBusy(reason):
		return m.busy(err, seen, said)
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented,
		status == statusClientClosed, status == http.StatusRequestTimeout:
		f = fault.New(fault.ProviderFailed, "the Ollama server at %s failed: %s", at, said)
	case status == http.StatusNotFound && own && missesModel(reason, model):
		f = fault.New(fault.NotFound, "the Ollama server at %s has no model %s; get it there with: ollama pull %s", at, model, model).
			At(path).By(fault.PartyTenant)
	case !own, status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		f = m.noAPI(status)
	default:
		f = m.invalidRequest(reason, said, path)
	}
	f.Err = err
	if seen.retryAfter > 0 && f.Retryable {
		f = f.After(seen.retryAfter)
	}
	return f.Upstream(seen.status)
}

// invalidRequest returns the error for a request that the server refused as invalid. It blames the tenant,
// whose settings decide everything about a request except the messages. It blames the caller only for
// images in messages. reason decides, and the error repeats said.
func (m *Model) invalidRequest(reason, said, path string) *fault.Error {
	f := fault.New(fault.Invalid, "the Ollama server at %s refused the request: %s", m.address(), said).By(fault.PartyTenant)
	lower := strings.ToLower(reason)
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

// isBadImage reports whether the server's message says that it cannot decode an image. The messages of
// its two engines are "failed to process inputs: image: unknown format" and "unable to tokenize mtmd
// embedding from image".
func isBadImage(said string) bool {
	return strings.Contains(said, "image: unknown format") || strings.Contains(said, "mtmd embedding from image")
}

// missesModel reports whether the server's message says that the model is missing. The messages are "model
// 'NAME' not found" and "model \"NAME\" not found, try pulling it first". Only these words distinguish a
// missing model from a missing route, because both have status 404.
func missesModel(said, model string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "not found") && strings.Contains(said, "model") &&
		strings.Contains(said, strings.ToLower(model))
}

// statusClientClosed is the status of Ollama's response to a canceled call.
const statusClientClosed = 499

// unauthorized returns the error of a server that wants to know who calls. path is the configuration key
// of the model.
func (m *Model) unauthorized(err error, path string) *fault.Error {
	f := fault.New(fault.Unauthenticated, "the Ollama server at %s asks for an api_key", m.address()).At("api_key").By(fault.PartyTenant)
	var auth api.AuthorizationError
	switch {
	case errors.As(err, &auth) && auth.SigninURL != "":
		// The error does not repeat the sign-in URL, because this URL contains the server's own key.
		f.Path, f.Message = fault.Path{path}, "the Ollama server at "+m.address()+" is not signed in, which this model needs; run there: ollama signin"
	case m.apiKey != "":
		f.Message = "the Ollama server at " + m.address() + " does not accept the api_key"
	}
	return f
}

// reasonOf returns the server's error message as it is. If there is none, it returns the name of the status.
func reasonOf(err error, status int) string {
	var s api.StatusError
	if errors.As(err, &s) && s.ErrorMessage != "" {
		return s.ErrorMessage
	}
	if text := http.StatusText(status); text != "" {
		return strings.ToLower(text)
	}
	return "no reason given"
}

// contextTooLong reports whether the server's message says that the conversation exceeds the context, such
// as "the input length exceeds the context length". Ollama has no error code for this.
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
