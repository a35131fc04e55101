package memory

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Validate returns fault.Invalid if the events have more than sdk.MaxRememberBytes bytes, if an event
// is neither a turn nor a retraction, or if the events are not in the order of their sequences. A
// host calls Validate before it calls a plugin, and splits what is too large.
func (r *RememberRequest) Validate() error {
	size, last := 0, r.After
	for _, e := range r.Events {
		if (e.Turn == nil) == (e.Retraction == nil) {
			return fault.New(fault.Invalid, "an event is a turn or a retraction").At("events")
		}
		size += e.Size()
		if s := e.Sequence(); s < last || s <= r.After {
			return fault.New(fault.Invalid, "event %d does not follow on %d", s, last).At("events")
		}
		last = e.Sequence()
	}
	if size > sdk.MaxRememberBytes {
		return fault.New(fault.Invalid, "have %d bytes; at most %d are remembered at once", size, sdk.MaxRememberBytes).At("events")
	}
	return nil
}

// Size returns an estimate of the bytes that the event takes in the protocol. The estimate is never
// too small.
func (e Event) Size() int {
	if e.Turn == nil {
		return eventOverhead
	}
	return eventOverhead + len(e.Turn.User) + chat.Size(e.Turn.Messages)
}

// eventOverhead is the number of bytes that each event counts in addition to its messages, so that
// many empty turns are bounded too.
const eventOverhead = 128
