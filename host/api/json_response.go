package api

import (
	"net/http"
	"time"

	"github.com/botyard/botyard/host/jsonstream"
)

// writeJSON responds with v as JSON.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return writeEncodedJSON(w, r, status, body)
}

// writeEncodedJSON responds with a body that encodeJSON returned. A large response takes its bytes
// from the limit for answers while it is written. The response to a POST or PUT takes no bytes from
// the limit, because the request has already changed something and the caller must get the
// response.
func writeEncodedJSON(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	if x, ok := w.(*exchange); ok && x.answers != nil && len(body) > maxBufferedResponse && r.Method != http.MethodPost && r.Method != http.MethodPut {
		share, err := x.answers.Acquire(r.Context(), x.chargedTenant, int64(len(body)))
		if err != nil {
			return err
		}
		defer share.Release()
	}
	a := &response{w: w, status: status, contentType: "application/json", stall: stallOf(w)}
	_, err := a.Write(append(body, '\n'))
	a.end(err)
	return nil
}

// encodeJSON returns v as one line of JSON, without the line feed.
func encodeJSON(v any) ([]byte, error) { return jsonstream.Encode(v) }

// timestamp returns t as RFC 3339 in UTC with milliseconds, or nil for the zero time.
func timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}
