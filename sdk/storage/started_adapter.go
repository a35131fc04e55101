package storage

import (
	"github.com/botyard/botyard/sdk/internal/wire"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
)

// startedToProto leaves out the oldest turns of a tail that has more than the bytes.
func startedToProto(s *Started, bytes int) *storagev1.Started {
	tail := newest(s.Tail, bytes)
	p := &storagev1.Started{Sequence: s.Sequence, Fence: s.Fence, TailCut: s.TailCut || len(tail) < len(s.Tail),
		Incarnation: s.Incarnation, Cursor: s.Cursor}
	if len(tail) > 0 {
		p.Tail = make([]*storagev1.Turn, len(tail))
		block := make([]storagev1.Turn, len(tail))
		for i, t := range tail {
			turn := &block[i]
			turn.Sequence, turn.Number, turn.State, turn.User = t.Sequence, t.Number, storagev1.TurnState_TURN_STATE_SUCCEEDED, t.User
			turn.StartedAt, turn.EndedAt, turn.Messages = wire.Time(t.StartedAt), wire.Time(t.EndedAt), messagesToProto(t.Messages)
			p.Tail[i] = turn
		}
	}
	for _, r := range s.Retractions {
		p.Retractions = append(p.Retractions, &storagev1.Retraction{Sequence: r.Sequence, From: r.From, To: r.To})
	}
	return p
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
