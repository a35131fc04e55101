package api

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeObject decodes a JSON object into the values that fields points to. The names must match
// exactly. It refuses unknown names, duplicate names, invalid Unicode, null, and an empty text; a
// caller omits a field without a value. So a message reaches the model exactly as the caller sent
// it.
func decodeObject(body []byte, fields map[string]any) error {
	if !utf8.Valid(body) {
		return malformedAt(nil, "the body is not UTF-8 text")
	}
	if n := jsonstream.CountValues(body); n > bounds.BodyValues { // the check comes before decoding allocates memory for the values
		return malformedAt(nil, "the body has %d values; no request has more than %d", n, bounds.BodyValues)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	token, err := d.ReadToken()
	if err != nil {
		return notJSON(err)
	}
	if token.Kind() != jsontext.KindBeginObject {
		return malformedAt(nil, "the body is not a JSON object")
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
		if err := decodeValue(d, target); err != nil {
			return wrongType(name, err)
		}
		if !must && isEmpty(target) {
			return malformed(name, "is empty; leave it out if there is none")
		}
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return malformedAt(nil, "the body has more after its JSON object")
	}
	return nil
}

// decodeValue decodes the next value into the target. It decodes a string without package json, because
// that package would allocate a cache of 4 KiB for the strings of each request.
func decodeValue(d *jsontext.Decoder, target any) error {
	text, ok := target.(*string)
	if !ok || d.PeekKind() != jsontext.KindString {
		return json.UnmarshalDecode(d, target)
	}
	token, err := d.ReadToken()
	if err == nil {
		*text = token.String()
	}
	return err
}

// required marks a text field that a request must have. decodeObject accepts an empty text for such
// a field, because the handler refuses an empty text in the same way as a missing field.
type required struct{ text *string }

// isEmpty reports whether the target is an empty text, or a list that contains an empty text.
func isEmpty(target any) bool {
	switch t := target.(type) {
	case *string:
		return *t == ""
	case *[]string:
		return slices.Contains(*t, "")
	}
	return false
}

// notJSON returns the error for a body that is not valid JSON.
func notJSON(err error) error {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return malformedAt(nil, "the body is not JSON: it ends too early")
	case !ok:
		return malformedAt(nil, "the body is not JSON: %w", err)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return malformedAt(slices.Collect(e.JSONPointer.Tokens()), "is given twice")
	}
	return malformedAt(nil, "the body is not JSON: %w at byte %d", e.Err, e.ByteOffset)
}

// wrongType returns the error for a field whose value has the wrong type.
func wrongType(name string, err error) error { return wrongTypeAt(fault.Path{name}, err) }

// wrongTypeAt returns the error for a value at the path that has the wrong type.
func wrongTypeAt(path fault.Path, err error) error {
	e, ok := asSemantic(err)
	switch {
	case !ok:
		return notJSON(err)
	case errors.Is(e.Err, json.ErrUnknownName):
		return malformedAt(path, "is not a field of this request")
	case e.Err != nil && e.GoType != nil && e.GoType == reflect.TypeFor[[]byte]():
		return malformedAt(path, "is not base64")
	case e.Err != nil && e.GoType.Kind() != reflect.Int64: // the error comes from an UnmarshalJSON of this package
		return malformedAt(path, "%w", e.Err)
	}
	return malformedAt(path, "is a JSON %s; expected %s", kindWords[e.JSONKind], typeWords[e.GoType.Kind()])
}

func asSemantic(err error) (*json.SemanticError, bool) {
	return errors.AsType[*json.SemanticError](err)
}

var (
	kindWords = map[jsontext.Kind]string{
		jsontext.KindNull: "null", jsontext.KindFalse: "bool", jsontext.KindTrue: "bool", jsontext.KindString: "string",
		jsontext.KindNumber: "number", jsontext.KindBeginObject: "object", jsontext.KindBeginArray: "array",
	}
	typeWords = map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Slice: "a list", reflect.Struct: "an object", reflect.Int64: "a whole number of 64 bits",
	}
)

// object is a JSON object that the host stores without decoding it.
type object jsontext.Value

// UnmarshalJSON implements [json.Unmarshaler].
func (o *object) UnmarshalJSON(value []byte) error {
	if value[0] != '{' {
		return errors.New("is not a JSON object")
	}
	*o = slices.Clone(value)
	return nil
}
