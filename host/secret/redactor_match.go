package secret

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
)

// Redact returns the text with [Placeholder] in place of each secret. It also replaces the first
// or last half of a secret, or its first or last twelve bytes, because a program may cut a secret
// off or break it over two lines.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.patterns) == 0 || len(text) < shortest {
		return text
	}
	found := r.findLocked(text)
	for _, v := range views(text) {
		for _, s := range r.findLocked(v.text) {
			found = append(found, v.at(s))
		}
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	after := 0
	for i := 0; i < len(found); {
		from, to := found[i].from, found[i].to
		for i++; i < len(found) && found[i].from < to; i++ { // merge overlapping spans
			to = max(to, found[i].to)
		}
		out.WriteString(text[after:from])
		out.WriteString(Placeholder)
		after = to
	}
	out.WriteString(text[after:])
	return out.String()
}

// span is a part of a text, from byte from up to but not including byte to.
type span struct{ from, to int }

// findLocked returns the spans of the text that contain secrets, in no particular order. Locked:
// mu is held for reading.
func (r *Redactor) findLocked(text string) []span {
	var found []span
	for i := 0; i+shortest <= len(text); i++ {
		for _, p := range r.words[[shortest]byte([]byte(text[i:i+shortest]))] {
			if strings.HasPrefix(text[i:], p.text) && !inWord(text[:i], text[i+len(p.text):]) {
				found = append(found, span{i, i + len(p.text)})
			}
		}
		if i+window > len(text) {
			continue
		}
		here := windowOf(text[i:])
		for _, p := range r.heads[here] {
			if n := commonPrefix(text[i:], p.text); n == len(p.text) || n >= p.least() {
				found = append(found, span{i, i + n})
			}
		}
		end := i + window
		for _, p := range r.tails[here] {
			if n := commonSuffix(text[:end], p.text); n >= p.least() {
				found = append(found, span{end - n, end})
			}
		}
	}
	return found
}

// commonPrefix returns the length of the longest common prefix of a and b, in bytes.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// commonSuffix returns the length of the longest common suffix of a and b, in bytes.
func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// inWord reports whether before ends with a letter or digit, or after begins with one.
func inWord(before, after string) bool {
	is := func(c byte) bool { return c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) }
	return before != "" && is(before[len(before)-1]) || after != "" && is(after[0])
}

// windowOf returns the first window bytes of text as a number. The text must have at least that
// length.
func windowOf(text string) uint64 { return binary.LittleEndian.Uint64([]byte(text[:window])) }
