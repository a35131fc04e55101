package secret

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Placeholder is what every view of a secret shows instead of it.
const Placeholder = "<secret>"

// Text is a secret text that cannot be printed by accident: fmt with any verb,
// log/slog, encoding/json and everything that uses encoding.TextMarshaler get
// [Placeholder]. The zero value is the empty text. Text is comparable, and safe
// for concurrent use as any string is.
type Text struct{ s string }

var (
	_ fmt.Formatter          = Text{}
	_ fmt.Stringer           = Text{}
	_ fmt.GoStringer         = Text{}
	_ json.Marshaler         = Text{}
	_ encoding.TextMarshaler = Text{}
	_ slog.LogValuer         = Text{}
)

// NewText wraps s.
func NewText(s string) Text { return Text{s: s} }

// Reveal gives the secret itself. Call it only where the secret is used.
func (t Text) Reveal() string { return t.s }

// String gives [Placeholder].
func (Text) String() string { return Placeholder }

// GoString gives [Placeholder].
func (Text) GoString() string { return Placeholder }

// Format writes [Placeholder] whatever the verb: %x and %q would otherwise
// reach the unexported field by reflection.
func (Text) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Placeholder) }

// MarshalJSON gives [Placeholder] as a JSON string.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Placeholder + `"`), nil }

// MarshalText gives [Placeholder].
func (Text) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// LogValue gives [Placeholder].
func (Text) LogValue() slog.Value { return slog.StringValue(Placeholder) }
