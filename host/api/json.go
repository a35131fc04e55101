package api

import (
	"net/http"
	"time"

	"github.com/botyard/botyard/host/jsonstream"
)

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	return writeEncoded(w, r, status, body)
}

// writeEncoded answers with what encode made. If it has many bytes, and nothing was changed that the caller
// has to hear of, they are those of the exchange's answers until they are written.
func writeEncoded(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	if x, ok := w.(*exchange); ok && x.answers != nil && len(body) > largeAnswer && r.Method != http.MethodPost && r.Method != http.MethodPut {
		share, err := x.answers.Take(r.Context(), x.payer, int64(len(body)))
		if err != nil {
			return err
		}
		defer share.Release()
	}
	a := &answer{w: w, status: status, contentType: "application/json", stall: stallOf(w)}
	_, err := a.Write(append(body, '\n'))
	a.end(err)
	return nil
}

// encode makes one line of JSON.
func encode(v any) ([]byte, error) { return jsonstream.Encode(v) }

// timestamp is RFC 3339 in UTC with milliseconds, or nil for no time.
func timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}
