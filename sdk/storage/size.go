package storage

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// entryBytes is more than what the fixed fields of a turn, a conversation or a
// registration take in the protocol.
const entryBytes = 256

// Size is about how many bytes the turn takes in the protocol; never less.
func (t Turn) Size() int {
	return entryBytes + len(t.Reason) + len(t.User) + len(t.Metadata) + len(t.Record) + len(t.Key) + chat.Size(t.Messages)
}

// Size is about how many bytes the entry takes in the protocol; never less.
func (c Conversation) Size() int { return entryBytes + len(c.ID) + len(c.User) }

// Size is about how many bytes the version takes in the protocol; never less.
func (r Registration) Size() int {
	return entryBytes + len(r.Tenant) + len(r.Incarnation) + len(r.Document) + len(r.Note) + len(r.Attempt)
}

// PageBytes counts what a page has so far. The zero value is an empty page.
type PageBytes struct{ bytes int }

// Full counts an entry that was put to the page, and reports whether the page ends
// with it.
func (p *PageBytes) Full(size int) bool {
	p.bytes += size
	return p.bytes >= sdk.MaxPageBytes
}

// pageEnd is how many of the entries fit on a page, whatever page a storage made.
func pageEnd[E any](entries []E, size func(E) int) int {
	var p PageBytes
	for i, e := range entries {
		if p.Full(size(e)) {
			return i + 1
		}
	}
	return len(entries)
}
