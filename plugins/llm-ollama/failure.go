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
		return m.busy(err, seen, m.said(err.Error()))
	case came == nothing && seen.broke == nil && !speaksAPI(err, seen):
		return m.noAPI(seen.status)
	case seen.broke != nil: // checked before err, which is then a fragment of the broken line
		return m.caused(seen.broke, fault.ProviderFailed, "the connection to the Ollama server at %s broke in the middle of the reply: %s")
	case err != nil:
		return fault.New(fault.ProviderFailed, "the Ollama server at %s reported: %s", at, m.said(err.Error()))
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
		return m.caused(err, fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, does not lead there: %s")
	case errors.Is(err, syscall.ECONNREFUSED):
		return m.caused(err, fault.ProviderFailed, "nothing listens at %s; is Ollama running? (%s)").At("base_url")
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return m.caused(err, fault.Invalid, "what listens at %s speaks no TLS; expected http:// (%s)").At("base_url").By(fault.PartyTenant)
	}
	return m.caused(err, fault.ProviderFailed, "no answer from %s; is Ollama running there? (%s)").At("base_url")
}

// caused returns the error of a call that err ended. The format has the server's address and the text of
// err, of which the server may have written a part, such as a wrong status line.
func (m *Model) caused(err error, class fault.Class, format string) *fault.Error {
	f := fault.New(class, format, m.address(), m.said(err.Error()))
	f.Err = err
	return f
}

// maxReason is the most characters of the server's message that an error repeats.
const maxReason = 300

// said returns a text of the server for an error message: without the API key, on one line, and short.
func (m *Model) said(text string) string { return short(m.transport.secrets.Cut(text)) }

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
