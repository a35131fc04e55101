package storagetest

import (
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk/storage"
)

func (r *reference) started(c *conversation, t *row, req *storage.BeginRequest) *storage.BeginResult {
	var tail []storage.Turn
	messages, cut, left := 0, false, req.TailBytesOrDefault()
	for _, t := range slices.Backward(c.rows) {
		if messages >= req.Tail {
			break
		}
		if t.Retracted && !r.has("retracted-in-tail") {
			continue
		}
		if t.State != storage.Succeeded && !(t.State == storage.Failed && r.has("failed-in-tail")) {
			continue
		}
		if len(t.Messages) == 0 { // an emptied turn
			if r.has("emptied-end-tail") {
				break
			}
			continue
		}
		shown := t.Turn
		if left -= t.TailSize(); left < 0 && !r.has("tail-any-bytes") {
			if cut = !r.has("tail-cut-untold"); r.has("tail-half-turns") && left+t.Messages[0].Size() > 0 {
				shown.Messages = shown.Messages[1:]
				tail = append(tail, shown)
			}
			break
		}
		if messages += len(t.Messages); r.has("cuts-turns") && messages > req.Tail {
			shown.Messages = shown.Messages[messages-req.Tail:]
		}
		tail = append(tail, shown)
	}
	slices.Reverse(tail)
	for i := range tail {
		if r.has("tail-without-user") {
			tail[i].User = ""
		}
	}
	s := &storage.Started{Sequence: t.Sequence, Fence: r.fence(c, t), Tail: tail, TailCut: cut, Incarnation: r.incarnationOf(c)}
	if req.CursorKey != "" {
		if at := r.cursorOf(req.CursorKey, c); at != nil && !r.has("begin-without-cursor") {
			s.Cursor = at.sequence
		}
		s.Retractions = r.retractions(c, s.Cursor)
	}
	return &storage.BeginResult{Started: s}
}

// incarnationOf returns the text that names the incarnation of the conversation.
func (r *reference) incarnationOf(c *conversation) string {
	if r.has("incarnation-is-the-id") {
		return fmt.Sprintf("%.64s", c.id)
	}
	return fmt.Sprintf("i%d", c.incarnation)
}
