package process

import "time"

// Timing is how long a process is waited for. No operator sets it.
type Timing struct {
	ProbeEvery    time.Duration // between two health probes
	ProbeDeadline time.Duration // for the answer to a probe
	ProbeAgain    time.Duration // between a probe without an answer and the next
	StopGrace     time.Duration // between the request to end and SIGKILL
	OutputGrace   time.Duration // for the last output of a process that ended
	ExitNotice    time.Duration // between a broken connection and the news of the exit
}
