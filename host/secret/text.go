package secret

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Placeholder is shown in place of a secret.
const Placeholder = "<secret>"

// Text is a secret text that cannot be printed by accident. Package fmt with any verb, log/slog,
// encoding/json and every other encoder that uses encoding.TextMarshaler print [Placeholder]. The
// zero value is the empty text. A Text is immutable and comparable.
type Text struct{ s string }

var (
	_ fmt.Formatter          = Text{}
	_ fmt.Stringer           = Text{}
	_ fmt.GoStringer         = Text{}
	_ json.Marshaler         = Text{}
	_ encoding.TextMarshaler = Text{}
	_ slog.LogValuer         = Text{}
)

// NewText returns s as a secret.
func NewText(s string) Text { return Text{s: s} }

// Reveal returns the secret. Call it only at the place that uses the secret.
func (t Text) Reveal() string { return t.s }

// String returns [Placeholder].
func (Text) String() string { return Placeholder }

// GoString returns [Placeholder].
func (Text) GoString() string { return Placeholder }

// Format writes [Placeholder] for every verb. Without this method, package fmt would read the
// unexported field by reflection for verbs such as %x and %q.
func (Text) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Placeholder) }

// MarshalJSON returns [Placeholder] as a JSON string.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Placeholder + `"`), nil }

// MarshalText returns [Placeholder].
func (Text) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// LogValue returns [Placeholder].
func (Text) LogValue() slog.Value { return slog.StringValue(Placeholder) }
