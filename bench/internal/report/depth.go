package report

import (
	"fmt"
	"io"
)

// Depth is the cost of storage calls in a conversation of the given number of messages, as the median of
// several runs. Times are in microseconds.
type Depth struct {
	Storage  string  `json:"storage"`
	Messages int     `json:"messages"`
	Begin    float64 `json:"begin_us"`
	Commit   float64 `json:"commit_us"`
	CPU      float64 `json:"begin_cpu_us"` // CPU time of a Begin in the calling process, in which SQLite runs
	// Times and TimesCPU are Begin and CPU divided by the same figure of the shorter conversation.
	Times    float64 `json:"times"`
	TimesCPU float64 `json:"times_cpu"`
	Setup    float64 `json:"setup_seconds,omitempty"` // seconds to fill the conversation
	Bytes    int64   `json:"bytes,omitempty"`         // size of the database with the filled conversation
}

func (r *Report) depth(w io.Writer) {
	if len(r.Depth) == 0 {
		return
	}
	title(w, "Messages in the conversation of a Begin; us (Postgres without waiting for the disk)")
	row(w, "", "messages", "Begin", "times", "its CPU here", "times", "Commit", "filled in s", "MB")
	for _, d := range r.Depth {
		setup, size := "-", "-"
		if d.Bytes > 0 {
			setup, size = number(d.Setup), number(float64(d.Bytes)/1e6)
		}
		row(w, d.Storage, d.Messages, d.Begin, d.Times, d.CPU, d.TimesCPU, d.Commit, setup, size)
	}
}

// depthAims returns aims for Begin without its wait for the disk. In Postgres the wait is turned off.
// SQLite always waits, so its aim is for the CPU time of Begin.
func (r *Report) depthAims() []aim {
	var list []aim
	for _, d := range r.Depth {
		if d.Bytes == 0 {
			continue
		}
		times := d.Times
		if d.Storage == "sqlite" {
			times = d.TimesCPU
		}
		list = append(list,
			aim{fmt.Sprintf("a Begin at %d messages in %s, times that of the shorter", d.Messages, d.Storage), times, 1.25, false},
			aim{fmt.Sprintf("filling in %d messages, s", d.Messages), d.Setup, 120, false})
	}
	return list
}
