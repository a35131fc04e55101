package chat

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"plain é€😀 \uFFFD":   "plain é€😀 \uFFFD",
		"a\x00b":             "a\uFFFDb",
		"\x00\x00":           "\uFFFD\uFFFD",
		"a\xffb":             "a\uFFFDb",
		"cut \xe2\x82":       "cut \uFFFD\uFFFD",
		"\xed\xa0\x80 alone": "\uFFFD\uFFFD\uFFFD alone", // half of a UTF-16 surrogate pair
		"\xc0\x80":           "\uFFFD\uFFFD",             // NUL, encoded in two bytes
	} {
		t.Run(fmt.Sprintf("%q", in), func(t *testing.T) {
			if got := Clean(in); got != want {
				t.Errorf("%q; want %q", got, want)
			}
		})
	}
}

// TestCleaner_anyCuts checks that a Cleaner returns the same text wherever the text is cut into
// pieces.
func TestCleaner_anyCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bits := []string{"a", "é", "€", "😀", "\x00", "\xff", "\xe2\x82", "\xf0\x9f\x98", "\xf0", "\x80", "\xc3", "\uFFFD"}
	for range 20000 {
		var text strings.Builder
		for range r.IntN(8) {
			text.WriteString(bits[r.IntN(len(bits))])
		}
		var c Cleaner
		var got strings.Builder
		var pieces []string
		for rest := text.String(); rest != ""; {
			n := 1 + r.IntN(min(len(rest), 3))
			pieces = append(pieces, rest[:n])
			next := c.Next(rest[:n])
			if !isClean(next) {
				t.Fatalf("%q came of %q", next, pieces)
			}
			got.WriteString(next)
			rest = rest[n:]
		}
		got.WriteString(c.Rest())
		if want := Clean(text.String()); got.String() != want {
			t.Fatalf("%q became %q; want %q", pieces, got.String(), want)
		}
		if c.Rest() != "" {
			t.Fatal("the rest came twice")
		}
	}
}

// TestCleaner_holdsBackLittle checks that Next holds back only the bytes of an incomplete
// character.
func TestCleaner_holdsBackLittle(t *testing.T) {
	var c Cleaner
	for _, step := range [][2]string{{"a€", "a€"}, {"b\xe2", "b"}, {"\x82", ""}, {"\xac", "€"}, {"\xf0\x9f", ""}, {"x", "\uFFFD\uFFFDx"}, {"", ""}} {
		if got := c.Next(step[0]); got != step[1] {
			t.Errorf("%q answered %q; want %q", step[0], got, step[1])
		}
	}
}

// TestMessage_Clean checks that Clean cleans every text of a message and leaves the given message
// unchanged. It finds the texts by reflection, so that it covers fields which are added later.
func TestMessage_Clean(t *testing.T) {
	texts := 0
	dirty := func() Message {
		return *fill(reflect.New(reflect.TypeFor[Message]()), 0, &texts).Interface().(*Message)
	}
	m := dirty()
	if texts < 15 {
		t.Fatalf("only %d texts", texts)
	}
	clean := m.Clean()
	walk(t, reflect.ValueOf(clean), func(s string) bool { return s == "a\uFFFDb\uFFFD" }, "is not clean")
	if !reflect.DeepEqual(m, dirty()) {
		t.Error("the message that was given changed")
	}
	if again := clean.Clean(); !reflect.DeepEqual(again, clean) {
		t.Errorf("%+v is not as clean as it gets", again)
	}
}

// fill sets every field that v points to. Each list gets one element, and parts are nested three
// levels deep.
func fill(v reflect.Value, depth int, texts *int) reflect.Value {
	e := v.Elem()
	switch e.Kind() {
	case reflect.String:
		*texts++
		e.SetString("a\x00b\xff")
	case reflect.Struct:
		for i := range e.NumField() {
			fill(e.Field(i).Addr(), depth, texts)
		}
	case reflect.Pointer:
		if e.Type() == reflect.TypeFor[*ToolResult]() {
			if depth++; depth > 3 {
				break
			}
		}
		e.Set(fill(reflect.New(e.Type().Elem()), depth, texts))
	case reflect.Slice:
		if e.Type().Elem().Kind() == reflect.Uint8 {
			e.SetBytes([]byte{0, 255})
			break
		}
		e.Set(reflect.MakeSlice(e.Type(), 1, 1))
		fill(e.Index(0).Addr(), depth, texts)
	}
	return v
}

func walk(t *testing.T, v reflect.Value, ok func(string) bool, what string) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if !ok(v.String()) {
			t.Errorf("%q %s", v.String(), what)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(t, v.Field(i), ok, what)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walk(t, v.Elem(), ok, what)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(t, v.Index(i), ok, what)
		}
	}
}
