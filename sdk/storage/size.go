package storage

import "github.com/botyard/botyard/sdk"

// entryBytes is an upper bound for the bytes that the fixed fields of a turn, a conversation or a
// registration take in the protocol.
const entryBytes = 256

// Size returns an estimate of the bytes that the turn takes in the protocol. The estimate is never
// too small.
func (t Turn) Size() int {
	return entryBytes + len(t.Reason) + len(t.User) + len(t.Metadata) + len(t.Record) + len(t.Key) + len(t.Usage) + Size(t.Messages)
}

// MessageBytes is an upper bound for the bytes that a message takes in the protocol beside its body.
const MessageBytes = 24

// Size returns an estimate of the bytes that the message takes in the protocol without its text,
// which only requests have. The estimate is never too small.
func (m Message) Size() int { return MessageBytes + len(m.Body) }

// Size returns the sum of the messages' sizes.
func Size(messages []Message) (n int) {
	for _, m := range messages {
		n += m.Size()
	}
	return n
}

// TailTurnBytes is an upper bound for the bytes that a turn of a tail takes in the protocol beside
// its messages and its user.
const TailTurnBytes = 128

// TailSize returns an estimate of the bytes that the turn takes in a tail. The estimate is never too
// small.
func (t Turn) TailSize() int { return TailTurnBytes + len(t.User) + Size(t.Messages) }

// newest returns the newest of the turns, which are oldest first, that have at most so many bytes
// together. It returns a part of the given slice.
func newest(turns []Turn, bytes int) []Turn {
	first := len(turns)
	for first > 0 {
		if bytes -= turns[first-1].TailSize(); bytes < 0 {
			break
		}
		first--
	}
	return turns[first:]
}

// Size returns an estimate of the bytes that the entry takes in the protocol. The estimate is never
// too small.
func (c Conversation) Size() int {
	return entryBytes + len(c.ID) + len(c.User) + len(c.Incarnation) + len(c.BranchOf)
}

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
