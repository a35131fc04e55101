package memory

import (
	"strings"

	"github.com/botyard/botyard/sdk/internal/wire"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
)

func turnToProto(t Turn) *memoryv1.RememberedTurn {
	return &memoryv1.RememberedTurn{Sequence: t.Sequence, Number: t.Number, User: t.User,
		StartedAt: wire.Time(t.StartedAt), EndedAt: wire.Time(t.EndedAt), Messages: wire.Messages(t.Messages)}
}

func turnFromProto(p *memoryv1.RememberedTurn) Turn {
	return Turn{Sequence: p.GetSequence(), Number: p.GetNumber(), User: p.GetUser(),
		StartedAt: wire.TimeFrom(p.GetStartedAt()), EndedAt: wire.TimeFrom(p.GetEndedAt()), Messages: wire.MessagesFrom(p.GetMessages())}
}

func retractionToProto(r Retraction) *memoryv1.Retraction {
	return &memoryv1.Retraction{Sequence: r.Sequence, From: r.From, To: r.To}
}

func retractionFromProto(p *memoryv1.Retraction) Retraction {
	return Retraction{Sequence: p.GetSequence(), From: p.GetFrom(), To: p.GetTo()}
}

func eventToProto(e Event) *memoryv1.Event {
	if e.Turn != nil {
		return &memoryv1.Event{Event: &memoryv1.Event_Turn{Turn: turnToProto(*e.Turn)}}
	}
	return &memoryv1.Event{Event: &memoryv1.Event_Retraction{Retraction: retractionToProto(*e.Retraction)}}
}

// eventFromProto returns an event that is neither a turn nor a retraction for a kind of event that
// this version does not know.
func eventFromProto(p *memoryv1.Event) Event {
	switch e := p.GetEvent().(type) {
	case *memoryv1.Event_Turn:
		t := turnFromProto(e.Turn)
		return Event{Turn: &t}
	case *memoryv1.Event_Retraction:
		r := retractionFromProto(e.Retraction)
		return Event{Retraction: &r}
	}
	return Event{}
}

func itemToProto(i Item) *memoryv1.Item {
	p := &memoryv1.Item{Message: wire.Message(i.Message), Score: i.Score}
	switch {
	case i.Turn != nil:
		p.Source = &memoryv1.Item_Turn{Turn: &memoryv1.TurnSource{Conversation: i.Turn.Conversation, Incarnation: i.Turn.Incarnation,
			Sequence: i.Turn.Sequence, Number: i.Turn.Number}}
	case i.Summary != nil:
		p.Source = &memoryv1.Item_Summary{Summary: &memoryv1.SummarySource{From: i.Summary.From, To: i.Summary.To}}
	case i.Fact != nil:
		p.Source = &memoryv1.Item_Fact{Fact: &memoryv1.FactSource{Kind: i.Fact.Kind}}
	}
	return p
}

func itemFromProto(p *memoryv1.Item) Item {
	i := Item{Message: wire.MessageFrom(p.GetMessage()), Score: p.GetScore()}
	switch s := p.GetSource().(type) {
	case *memoryv1.Item_Turn:
		i.Turn = &TurnSource{Conversation: s.Turn.GetConversation(), Incarnation: s.Turn.GetIncarnation(),
			Sequence: s.Turn.GetSequence(), Number: s.Turn.GetNumber()}
	case *memoryv1.Item_Summary:
		i.Summary = &SummarySource{From: s.Summary.GetFrom(), To: s.Summary.GetTo()}
	case *memoryv1.Item_Fact:
		i.Fact = &FactSource{Kind: s.Fact.GetKind()}
	}
	return i
}

// boundedProblems returns the first MaxProblems of the sentences, cut to MaxProblemBytes.
func boundedProblems(problems []string) []string {
	out := make([]string, 0, min(len(problems), MaxProblems))
	for _, p := range problems[:min(len(problems), MaxProblems)] {
		out = append(out, strings.ToValidUTF8(p[:min(len(p), MaxProblemBytes)], ""))
	}
	return out
}
