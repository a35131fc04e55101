package process

import "time"

// Timing contains the intervals and timeouts of a process. No operator can change them.
type Timing struct {
	ProbeEvery    time.Duration // the interval between two health probes
	ProbeDeadline time.Duration // the timeout of a probe
	ProbeAgain    time.Duration // the interval between a failed probe and the next probe
	StopGrace     time.Duration // the time between the request to end and SIGKILL
	OutputGrace   time.Duration // how long the host waits for the last output of an ended process
	ExitNotice    time.Duration // how long the host waits for the process's end after a connection may have broken
	BrokenNotice  time.Duration // how much longer it waits if the connection has broken
}
