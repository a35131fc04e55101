package ollama

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

// progress says how much of a response arrived before a call failed.
type progress int

const (
	nothing     progress = iota
	ofTheAPI             // something that only the Ollama API sends
	partOfReply          // a part of the reply, which the caller may have received
)

// failure returns the error for a call that failed without being canceled. err is the error of api.Client,
// which may be nil. path is the configuration key of the model. came is how much of the response arrived.
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
	case seen.broke != nil: // checked before err, which is then a fragment of the broken line
		return fault.New(fault.ProviderFailed, "the connection to the Ollama server at %s broke in the middle of the reply: %w", at, seen.broke)
	case err != nil:
		return fault.New(fault.ProviderFailed, "the Ollama server at %s reported: %s", at, short(err.Error()))
	}
	return fault.New(fault.ProviderFailed, "the Ollama server at %s ended the reply before it was complete", at)
}

func (m *Model) unreachable(err error) *fault.Error {
	// The text of a url.Error contains the placeholder name that api.Client has for the server.
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

// maxReason is the most characters of the server's message that an error repeats.
const maxReason = 300

// short returns s on one line, cut to maxReason characters, with ? for what is no printable character.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	if r := []rune(s); len(r) > maxReason {
		s = string(r[:maxReason]) + "…"
	}
	return s
}
