package secret

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// shortest is the least length of a secret that is cut out, in bytes. What is
	// shorter can be guessed, and every text has it somewhere.
	shortest = 3
	// window is the length from which on a secret is cut out wherever it is. A shorter one
	// is cut where it is a word of its own.
	window = 8

	// lingering is how long what is kept no longer is still cut out: a plugin may yet
	// speak of the secret that it had before.
	lingering = time.Hour
	// maxLingering bounds how much lingers, in patterns.
	maxLingering = 20_000
)

// Redactor cuts the secrets that it was given out of texts: as they are, and in the
// forms that programs write them in (quoted, escaped for JSON, URLs and HTML, in other
// letters, as base64 and as hexadecimal digits). It is used concurrently. The zero value knows no secret.
type Redactor struct {
	mu       sync.RWMutex
	patterns map[string]*pattern
	heads    map[uint64][]*pattern // of those with a window, by their first
	tails    map[uint64][]*pattern // and by their last
	words    map[[shortest]byte][]*pattern
	leaving  []leaving
}

// pattern is one form of a secret.
type pattern struct {
	text  string
	holds int
}

// leaving is what is given up when its time has come.
type leaving struct {
	patterns []*pattern
	until    time.Time
}

// least is how much of the secret's beginning or end is cut out where the text has no
// more of it.
func (p *pattern) least() int { return min(max(len(p.text)/2, window), window+window/2) }

// Keep has the secrets cut out of all texts until a while after release was called,
// once or several times.
func (r *Redactor) Keep(secrets ...string) (release func()) {
	var all []string
	for _, s := range secrets {
		all = append(all, forms(s)...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(time.Now())
	held := make([]*pattern, 0, len(all))
	for _, text := range all {
		held = append(held, r.hold(text))
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			now := time.Now()
			r.leaving = append(r.leaving, leaving{held, now.Add(lingering)})
			r.sweep(now)
		})
	}
}

// hold counts a holder of the pattern in. The lock is held.
func (r *Redactor) hold(text string) *pattern {
	p := r.patterns[text]
	if p == nil {
		p = &pattern{text: text}
		if r.patterns == nil {
			r.patterns, r.words = map[string]*pattern{}, map[[shortest]byte][]*pattern{}
			r.heads, r.tails = map[uint64][]*pattern{}, map[uint64][]*pattern{}
		}
		r.patterns[text] = p
		if len(text) < window {
			key := [shortest]byte([]byte(text[:shortest]))
			r.words[key] = append(r.words[key], p)
		} else {
			r.heads[at(text)] = append(r.heads[at(text)], p)
			last := at(text[len(text)-window:])
			r.tails[last] = append(r.tails[last], p)
		}
	}
	p.holds++
	return p
}

// sweep gives up what has lingered for long enough, or is too much. The lock is held.
func (r *Redactor) sweep(now time.Time) {
	lingers := 0
	for _, l := range r.leaving {
		lingers += len(l.patterns)
	}
	for len(r.leaving) > 0 && (now.After(r.leaving[0].until) || lingers > maxLingering) {
		for _, p := range r.leaving[0].patterns {
			r.drop(p)
		}
		lingers -= len(r.leaving[0].patterns)
		r.leaving[0] = leaving{}
		r.leaving = r.leaving[1:]
	}
}

// drop counts a holder out. The lock is held.
func (r *Redactor) drop(p *pattern) {
	if p.holds--; p.holds > 0 {
		return
	}
	delete(r.patterns, p.text)
	if len(p.text) < window {
		without(r.words, [shortest]byte([]byte(p.text[:shortest])), p)
		return
	}
	without(r.heads, at(p.text), p)
	without(r.tails, at(p.text[len(p.text)-window:]), p)
}

func without[K comparable](index map[K][]*pattern, key K, p *pattern) {
	var rest []*pattern
	for _, other := range index[key] {
		if other != p {
			rest = append(rest, other)
		}
	}
	if rest == nil {
		delete(index, key)
		return
	}
	index[key] = rest
}

// at is the window at the beginning of the text.
func at(text string) uint64 { return binary.LittleEndian.Uint64([]byte(text[:window])) }

// Cut gives the text with [Placeholder] in the place of each secret, whatever escapes it was
// written with and in whatever letters. Half of a secret, or twelve bytes of its beginning or
// end, are cut too, for it may have been shortened or be in two lines.
func (r *Redactor) Cut(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.patterns) == 0 || len(text) < shortest {
		return text
	}
	found := r.find(text)
	for _, v := range views(text) {
		for _, s := range r.find(v.text) {
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
		for i++; i < len(found) && found[i].from < to; i++ { // they overlap: one cut
			to = max(to, found[i].to)
		}
		out.WriteString(text[after:from])
		out.WriteString(Placeholder)
		after = to
	}
	out.WriteString(text[after:])
	return out.String()
}

type span struct{ from, to int }

// find answers where secrets are, in no order. The lock is held.
func (r *Redactor) find(text string) []span {
	var found []span
	for i := 0; i+shortest <= len(text); i++ {
		for _, p := range r.words[[shortest]byte([]byte(text[i:i+shortest]))] {
			if strings.HasPrefix(text[i:], p.text) && !wordly(text[:i], text[i+len(p.text):]) {
				found = append(found, span{i, i + len(p.text)})
			}
		}
		if i+window > len(text) {
			continue
		}
		here := at(text[i:])
		for _, p := range r.heads[here] {
			if n := common(text[i:], p.text); n == len(p.text) || n >= p.least() {
				found = append(found, span{i, i + n})
			}
		}
		end := i + window
		for _, p := range r.tails[here] {
			if n := commonEnd(text[:end], p.text); n >= p.least() {
				found = append(found, span{end - n, end})
			}
		}
	}
	return found
}

// common is how far both texts are the same, in bytes.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// commonEnd is how far both texts are the same from their ends on, in bytes.
func commonEnd(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// wordly reports whether a letter or digit is right before or right after: what is
// between is a part of a word.
func wordly(before, after string) bool {
	is := func(c byte) bool { return c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) }
	return before != "" && is(before[len(before)-1]) || after != "" && is(after[0])
}
