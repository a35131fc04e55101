package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
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

// encode makes one line of JSON. Text stays as it is: nothing here is put into a
// page, and a model's "<" is easier to read than \u003c.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// timestamp is RFC 3339 in UTC with milliseconds, or nil for no time.
func timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}
