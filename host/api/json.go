package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	writeBody(w, status, "application/json", append(body, '\n'))
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
