package memstore

import (
	"unsafe"

	"github.com/botyard/botyard/sdk/storage"
)

// These constants are the approximate number of bytes that an entry takes in addition to its texts.
const (
	conversationBytes = int64(unsafe.Sizeof(conversation{})) + 64
	turnBytes         = int64(unsafe.Sizeof(turn{})) + 32
	keyBytes          = int64(unsafe.Sizeof(key{})+unsafe.Sizeof(keyUse{})) + 32
)

// sizeOfBegin returns the approximate number of bytes that the turn of a Begin takes.
func sizeOfBegin(req *storage.BeginRequest) int64 {
	n := turnBytes + sizeOfMessages(req.Messages) + int64(len(req.Metadata)+len(req.Call.User))
	if req.Key != "" {
		n += keyBytes + int64(len(req.Key)+len(req.Digest))
	}
	return n
}

// sizeOfCommit returns the approximate number of bytes that a Commit adds to its turn.
func sizeOfCommit(req *storage.CommitRequest) int64 {
	return int64(len(req.Reason)+len(req.Usage)+len(req.Record)) + sizeOfMessages(req.Messages)
}

// sizeOfTurn returns the approximate number of bytes that an imported turn takes. The idempotency
// key of an imported turn is not indexed, so that it counts no keyBytes.
func sizeOfTurn(t storage.Turn) int64 {
	return turnBytes + int64(len(t.User)+len(t.Key)+len(t.Reason)+len(t.Usage)+len(t.Metadata)+len(t.Record)) + sizeOfMessages(t.Messages)
}

// sizeOfMessages returns the bytes of the messages without their texts, which are not kept.
func sizeOfMessages(messages []storage.Message) (n int64) {
	for _, m := range messages {
		n += int64(unsafe.Sizeof(m)) + int64(len(m.Body))
	}
	return n
}
