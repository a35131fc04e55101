package storage

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// entryBytes is an upper bound for the bytes that the fixed fields of a turn, a conversation or a
// registration take in the protocol.
const entryBytes = 256

// Size returns an estimate of the bytes that the turn takes in the protocol. The estimate is never
// too small.
func (t Turn) Size() int {
	return entryBytes + len(t.Reason) + len(t.User) + len(t.Metadata) + len(t.Record) + len(t.Key) + chat.Size(t.Messages)
}

// Size returns an estimate of the bytes that the entry takes in the protocol. The estimate is never
// too small.
func (c Conversation) Size() int { return entryBytes + len(c.ID) + len(c.User) }

// Size returns an estimate of the bytes that the version takes in the protocol. The estimate is
// never too small.
func (r Registration) Size() int {
	return entryBytes + len(r.Tenant) + len(r.Incarnation) + len(r.Document) + len(r.Note) + len(r.Attempt)
}

// PageBytes counts the bytes of a page. The zero value is an empty page.
type PageBytes struct{ bytes int }

// Full counts the size of an entry that was added to the page, and reports whether the page is
// full.
func (p *PageBytes) Full(size int) bool {
	p.bytes += size
	return p.bytes >= sdk.MaxPageBytes
}

// pageEnd returns how many of the entries fit on a page.
func pageEnd[E any](entries []E, size func(E) int) int {
	var p PageBytes
	for i, e := range entries {
		if p.Full(size(e)) {
			return i + 1
		}
	}
	return len(entries)
}
