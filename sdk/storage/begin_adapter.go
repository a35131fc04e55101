package storage

import (
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
)

// beginToProto leaves out the oldest turns of a tail that has more than the bytes.
func beginToProto(r *BeginResult, bytes int) (*storagev1.BeginResponse, error) {
	switch {
	case r.Started != nil:
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: startedToProto(r.Started, bytes)}}, nil
	case r.Replay != nil:
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Replay{Replay: turnToProto(*r.Replay)}}, nil
	case r.Busy != nil:
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Busy{Busy: &storagev1.Busy{SameKey: r.Busy.SameKey}}}, nil
	case r.KeyReused:
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_KeyReused{KeyReused: &storagev1.KeyReused{}}}, nil
	}
	return nil, noResult()
}

func beginFromProto(p *storagev1.BeginResponse) (*BeginResult, error) {
	switch o := p.Outcome.(type) {
	case *storagev1.BeginResponse_Started:
		return &BeginResult{Started: startedFromProto(o.Started)}, nil
	case *storagev1.BeginResponse_Replay:
		t := turnFromProto(o.Replay)
		return &BeginResult{Replay: &t}, nil
	case *storagev1.BeginResponse_Busy:
		return &BeginResult{Busy: &Busy{SameKey: o.Busy.GetSameKey()}}, nil
	case *storagev1.BeginResponse_KeyReused:
		return &BeginResult{KeyReused: true}, nil
	}
	return nil, noResult()
}

func noResult() error {
	return fault.New(fault.Internal, "the storage returned no result of Begin").By(fault.PartyPlugin)
}

func startedToProto(s *Started, bytes int) *storagev1.Started {
	tail := newest(s.Tail, bytes)
	p := &storagev1.Started{Sequence: s.Sequence, Fence: s.Fence, TailCut: s.TailCut || len(tail) < len(s.Tail),
		Incarnation: s.Incarnation, Cursor: s.Cursor}
	for _, t := range tail {
		p.Tail = append(p.Tail, &storagev1.Turn{
			Sequence: t.Sequence, Number: t.Number, State: storagev1.TurnState_TURN_STATE_SUCCEEDED, User: t.User,
			Messages: messagesToProto(t.Messages), StartedAt: wire.Time(t.StartedAt), EndedAt: wire.Time(t.EndedAt),
		})
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
