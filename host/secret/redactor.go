package secret

import (
	"sync"
	"time"
)

const (
	// shortest is the length of the shortest secret that is redacted, in bytes. A shorter secret
	// can be guessed, and occurs by chance in nearly every text.
	shortest = 3
	// window is the length, in bytes, from which a secret is redacted everywhere in a text. A
	// shorter secret is redacted only if it has no letter or digit beside it.
	window = 8

	// lingering is how long a secret is still redacted after its release, because a plugin may
	// print an old secret.
	lingering = time.Hour
	// maxLingering is the maximum number of forms of released secrets that are still redacted.
	maxLingering = 20_000
)

// Redactor replaces secrets in texts. It finds a secret as it is, and in the forms in which
// programs print it: quoted, escaped for JSON, URLs and HTML, in upper or lower case, in base64
// and in hexadecimal. It is safe for concurrent use. The zero value has no secrets and changes no
// text.
type Redactor struct {
	mu       sync.RWMutex
	patterns map[string]*pattern
	heads    map[uint64][]*pattern         // patterns of at least window bytes, by their first window bytes
	tails    map[uint64][]*pattern         // the same patterns as in heads, by their last window bytes
	words    map[[shortest]byte][]*pattern // patterns shorter than window, by their first bytes
	released []releasedForms               // oldest first
}

// pattern is one form of a secret.
type pattern struct {
	text string
	uses int // number of calls of Add that have not released the form
}

// releasedForms holds the forms of the secrets of one release, and the time until which they are
// redacted.
type releasedForms struct {
	patterns []*pattern
	until    time.Time
}

// least returns the minimum number of bytes from the beginning or the end of the pattern that
// Redact replaces if a text contains only a part of the pattern.
func (p *pattern) least() int { return min(max(len(p.text)/2, window), window+window/2) }

// Add makes Redact replace the secrets until release is called, and for the duration lingering
// after that. Further calls of release do nothing. A secret that was added twice must be released
// twice.
func (r *Redactor) Add(secrets ...string) (release func()) {
	var all []string
	for _, s := range secrets {
		all = append(all, forms(s)...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetReleasedLocked(time.Now())
	added := make([]*pattern, 0, len(all))
	for _, text := range all {
		added = append(added, r.addLocked(text))
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			now := time.Now()
			r.released = append(r.released, releasedForms{added, now.Add(lingering)})
			r.forgetReleasedLocked(now)
		})
	}
}

// addLocked adds a use of the form. Locked: mu is held.
func (r *Redactor) addLocked(text string) *pattern {
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
			r.heads[windowOf(text)] = append(r.heads[windowOf(text)], p)
			last := windowOf(text[len(text)-window:])
			r.tails[last] = append(r.tails[last], p)
		}
	}
	p.uses++
	return p
}

// forgetReleasedLocked removes the released forms whose time is over. If more than maxLingering
// forms remain, it also removes the oldest. Locked: mu is held.
func (r *Redactor) forgetReleasedLocked(now time.Time) {
	lingers := 0
	for _, l := range r.released {
		lingers += len(l.patterns)
	}
	for len(r.released) > 0 && (now.After(r.released[0].until) || lingers > maxLingering) {
		for _, p := range r.released[0].patterns {
			r.removeLocked(p)
		}
		lingers -= len(r.released[0].patterns)
		r.released[0] = releasedForms{}
		r.released = r.released[1:]
	}
}

// removeLocked removes a use of a form. Locked: mu is held.
func (r *Redactor) removeLocked(p *pattern) {
	if p.uses--; p.uses > 0 {
		return
	}
	delete(r.patterns, p.text)
	if len(p.text) < window {
		removeFrom(r.words, [shortest]byte([]byte(p.text[:shortest])), p)
		return
	}
	removeFrom(r.heads, windowOf(p.text), p)
	removeFrom(r.tails, windowOf(p.text[len(p.text)-window:]), p)
}

// removeFrom removes a pattern from an index.
func removeFrom[K comparable](index map[K][]*pattern, key K, p *pattern) {
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
