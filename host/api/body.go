package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/fault"
)

// bodyTimeout is how long a caller may take to send a body.
const bodyTimeout = 30 * time.Second

// readBody reads JSON of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if err := checkContentType(r.Header.Values("Content-Type"), "application/json"); err != nil {
		return nil, err
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, withStatus(http.StatusRequestEntityTooLarge,
			fault.New(fault.Invalid, "the body has more than %d bytes", limit))
	case err != nil:
		return nil, malformed("", "the body cannot be read: %w", err)
	}
	// The connection is watched from here on, to see the caller leave.
	_ = c.SetReadDeadline(time.Time{})
	return body, nil
}

func checkContentType(values []string, want string) error {
	if len(values) == 1 {
		kind, params, err := mime.ParseMediaType(values[0])
		charset, given := params["charset"]
		if err == nil && kind == want && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return withStatus(http.StatusUnsupportedMediaType, fault.New(fault.Invalid,
		"is %q; expected %s", clip(strings.Join(values, ", ")), want).At("Content-Type"))
}

// decodeObject reads a JSON object into the values that fields points to, by
// their exact names. It is stricter than encoding/json alone, which takes any case
// of a name, the last of two values, and replaces what is not Unicode: a message
// reaches the model as it was sent, or not at all.
func decodeObject(body []byte, fields map[string]any) error {
	if !utf8.Valid(body) {
		return malformed("", "the body is not UTF-8 text")
	}
	if offset := loneSurrogate(body); offset >= 0 {
		return malformed("", "the body has half of a surrogate pair at byte %d, which is not Unicode text", offset)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	token, err := d.Token()
	if err != nil {
		return notJSON(err)
	}
	if token != json.Delim('{') {
		return malformed("", "the body is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(err)
		}
		target, known := fields[name]
		switch {
		case !known:
			return malformed(name, "is not a field of this request; expected %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		case seen[name]:
			return malformed(name, "is given twice")
		}
		seen[name] = true
		if err := json.Unmarshal(value, target); err != nil {
			return wrongType(name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("", "the body has more after its JSON object")
	}
	return nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("", "the body is not JSON: it ends too early")
	}
	return malformed("", "the body is not JSON: %w", err)
}

func wrongType(name string, err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return malformed(name, "is a JSON %s; expected %s", strings.Fields(mismatch.Value)[0], typeWords[mismatch.Type.Kind().String()])
	}
	return malformed(name, "%w", err)
}

var typeWords = map[string]string{"string": "a text", "bool": "true or false", "slice": "a list"}

// object is a JSON object that is passed on unread. Null is none.
type object json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (o *object) UnmarshalJSON(value []byte) error {
	switch value[0] {
	case 'n':
		*o = nil
		return nil
	case '{':
		*o = slices.Clone(value)
		return nil
	}
	return errors.New("is not a JSON object")
}

// loneSurrogate gives the offset of an escape that is half of a pair, or -1. In
// JSON a backslash is in a text or an error.
func loneSurrogate(body []byte) int {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		unit, ok := escapedUnit(body[i:])
		switch {
		case !ok:
			i++ // the character that is escaped
		case unit >= 0xdc00 && unit <= 0xdfff:
			return i
		case unit >= 0xd800 && unit <= 0xdbff:
			if low, ok := escapedUnit(body[i+6:]); !ok || low < 0xdc00 || low > 0xdfff {
				return i
			}
			i += 11
		default:
			i += 5
		}
	}
	return -1
}

// escapedUnit reads \uXXXX.
func escapedUnit(s []byte) (uint64, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 32)
	return unit, err == nil
}
