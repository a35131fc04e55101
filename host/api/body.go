package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// readBody reads JSON of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return readBodyOf(w, r, limit, "application/json")
}

// readBodyOf reads a body of that type, of at most limit bytes.
func readBodyOf(w http.ResponseWriter, r *http.Request, limit int64, kind string) ([]byte, error) {
	if err := checkContentType(r.Header.Values("Content-Type"), kind); err != nil {
		return nil, err
	}
	return collect(w.(*exchange), r, limit)
}

// boundReading has the reading of a body fail when it takes longer than a stall, and
// until forget is called, which has to be, when the request's context ends. Whoever
// read it whole takes the deadline back.
func boundReading(w http.ResponseWriter, r *http.Request) (c *http.ResponseController, forget func() bool) {
	c = http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(stallOf(w)))
	return c, context.AfterFunc(r.Context(), func() { _ = c.SetReadDeadline(time.Now()) })
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
// their exact names. No name may come twice, and all must be Unicode: a message
// reaches the model as it was sent, or not at all. Null is no value, and a text that
// is empty is none either: whoever means nothing leaves the field out.
func decodeObject(body []byte, fields map[string]any) error {
	if !utf8.Valid(body) {
		return malformed("", "the body is not UTF-8 text")
	}
	if n := jsonstream.Values(body); n > bounds.BodyValues { // before memory is taken for them
		return malformed("", "the body has %d values; no request has more than %d", n, bounds.BodyValues)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	token, err := d.ReadToken()
	if err != nil {
		return notJSON(err)
	}
	if token.Kind() != jsontext.KindBeginObject {
		return malformed("", "the body is not a JSON object")
	}
	for {
		token, err := d.ReadToken()
		if err != nil {
			return notJSON(err)
		}
		if token.Kind() == jsontext.KindEndObject {
			break
		}
		name := token.String()
		target, known := fields[name]
		if !known {
			return malformed(name, "is not a field of this request; expected %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		if d.PeekKind() == jsontext.KindNull {
			return malformed(name, "is empty: null is no value; leave the field out if there is none")
		}
		text, must := target.(required)
		if must {
			target = text.text
		}
		if err := json.UnmarshalDecode(d, target); err != nil {
			return wrongType(name, err)
		}
		if !must && isEmpty(target) {
			return malformed(name, "is empty; leave it out if there is none")
		}
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return malformed("", "the body has more after its JSON object")
	}
	return nil
}

// required is a text that a request must have. Its reader says what is wrong with an
// empty one, as with one that is left out.
type required struct{ text *string }

// isEmpty says whether a text, or one of a list of texts, was given and has nothing.
func isEmpty(target any) bool {
	switch t := target.(type) {
	case *string:
		return *t == ""
	case *[]string:
		return slices.Contains(*t, "")
	}
	return false
}

func notJSON(err error) error {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("", "the body is not JSON: it ends too early")
	case !ok:
		return malformed("", "the body is not JSON: %w", err)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return malformed(strings.Join(slices.Collect(e.JSONPointer.Tokens()), "."), "is given twice")
	}
	return malformed("", "the body is not JSON: %w at byte %d", e.Err, e.ByteOffset)
}

func wrongType(name string, err error) error {
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return notJSON(err)
	case e.Err != nil && e.GoType.Kind() != reflect.Int64: // the type's own
		return malformed(name, "%w", e.Err)
	}
	return malformed(name, "is a JSON %s; expected %s", kindWords[e.JSONKind], typeWords[e.GoType.Kind()])
}

var (
	kindWords = map[jsontext.Kind]string{
		jsontext.KindNull: "null", jsontext.KindFalse: "bool", jsontext.KindTrue: "bool", jsontext.KindString: "string",
		jsontext.KindNumber: "number", jsontext.KindBeginObject: "object", jsontext.KindBeginArray: "array",
	}
	typeWords = map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Slice: "a list", reflect.Int64: "a whole number of 64 bits",
	}
)

// object is a JSON object that is passed on unread.
type object jsontext.Value

// UnmarshalJSON implements [json.Unmarshaler].
func (o *object) UnmarshalJSON(value []byte) error {
	if value[0] != '{' {
		return errors.New("is not a JSON object")
	}
	*o = slices.Clone(value)
	return nil
}
