package report

import (
	"fmt"
	"io"
)

// Depth is what calls of a storage cost in a conversation of so many messages: the
// median of runs that were made in turns. Times are in microseconds.
type Depth struct {
	Storage  string  `json:"storage"`
	Messages int     `json:"messages"`
	Begin    float64 `json:"begin_us"`
	Commit   float64 `json:"commit_us"`
	CPU      float64 `json:"begin_cpu_us"` // of the calling process, which SQLite is in
	// Begin and its CPU, times those in the shorter conversation.
	Times    float64 `json:"times"`
	TimesCPU float64 `json:"times_cpu"`
	Setup    float64 `json:"setup_seconds,omitempty"` // that filling it took
	Bytes    int64   `json:"bytes,omitempty"`         // of the database then
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

// depthAims look at what of a Begin is no wait for the disk: of SQLite, which cannot
// be told not to wait, its time on the CPU.
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
