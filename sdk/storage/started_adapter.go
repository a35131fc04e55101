package storage

import (
	"time"

	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// startedToProto leaves out the oldest turns of a tail that has more than the bytes.
func startedToProto(s *Started, bytes int) *storagev1.Started {
	tail := newest(s.Tail, bytes)
	p := &storagev1.Started{Sequence: s.Sequence, Fence: s.Fence, TailCut: s.TailCut || len(tail) < len(s.Tail),
		Incarnation: s.Incarnation, Cursor: s.Cursor}
	p.Tail = tailToProto(tail)
	for _, r := range s.Retractions {
		p.Retractions = append(p.Retractions, &storagev1.Retraction{Sequence: r.Sequence, From: r.From, To: r.To})
	}
	return p
}

// tailTurn is what the turn of a tail is made of.
type tailTurn struct {
	turn           storagev1.Turn
	started, ended timestamppb.Timestamp
}

// tailToProto makes all turns of a tail in one allocation, and all their messages in another one.
func tailToProto(tail []Turn) []*storagev1.Turn {
	if len(tail) == 0 {
		return nil
	}
	n := 0
	for i := range tail {
		n += len(tail[i].Messages)
	}
	out, block := make([]*storagev1.Turn, len(tail)), make([]tailTurn, len(tail))
	messages, bodies := make([]*storagev1.StoredMessage, n), make([]storagev1.StoredMessage, n)
	for i := range tail {
		t, to := &tail[i], &block[i]
		p := &to.turn
		p.Sequence, p.Number, p.State, p.User = t.Sequence, t.Number, storagev1.TurnState_TURN_STATE_SUCCEEDED, t.User
		p.StartedAt, p.EndedAt = timeIn(&to.started, t.StartedAt), timeIn(&to.ended, t.EndedAt)
		if n := len(t.Messages); n > 0 {
			fill(messages, bodies, t.Messages)
			p.Messages, messages, bodies = messages[:n:n], messages[n:], bodies[n:]
		}
		out[i] = p
	}
	return out
}

// timeIn returns the time in the protocol's form, in the given timestamp. It returns nil for the zero
// time.
func timeIn(to *timestamppb.Timestamp, t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	to.Seconds, to.Nanos = t.Unix(), int32(t.Nanosecond())
	return to
}

func startedFromProto(p *storagev1.Started) *Started {
	s := &Started{Sequence: p.GetSequence(), Fence: p.GetFence(), TailCut: p.GetTailCut(), Incarnation: p.GetIncarnation(), Cursor: p.GetCursor()}
	if len(p.GetTail()) > 0 {
		s.Tail = make([]Turn, len(p.Tail))
		for i, t := range p.Tail {
			s.Tail[i] = turnFromProto(t)
		}
	}
	for _, r := range p.GetRetractions() {
		s.Retractions = append(s.Retractions, Retraction{Sequence: r.Sequence, From: r.From, To: r.To})
	}
	return s
}
