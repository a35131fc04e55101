package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/process"
)

// timing holds the durations and counts that no operator sets. Tests shorten them.
type timing struct {
	probeEvery, probeDeadline, probeAgain time.Duration

	backoffBase, backoffMax time.Duration
	healthyAfter            time.Duration // a process that ran for this long ends the row of failures
	quarantineAfter         int           // how many failures within quarantineWindow start the quarantine
	quarantineWindow        time.Duration // the time for which failures count toward quarantineAfter
	quarantineRetry         time.Duration

	stopGrace       time.Duration // the time between the request to end and SIGKILL
	outputGrace     time.Duration // how long the host waits for the last output of an ended process
	exitNotice      time.Duration // how long the host waits for the process's end after a connection may have broken
	brokenNotice    time.Duration // how much longer it waits if the connection has broken
	reconsiderEvery time.Duration // the first pause between two calls of Options.Wanted
	debounce        time.Duration // how long plugin folders must stay unchanged before a scan
	trial           time.Duration // if a new version ends within this time, the old process takes over again
	hold            time.Duration // how long new calls are first held while an exclusive plugin is replaced
	pollEvery       time.Duration // the time between two polls of the plugin folders
	pollOnly        bool          // whether file system events of plugin folders are ignored

	blamePause, maxBlamePause time.Duration // how long a tenant's calls are refused, at first and at most
	suspected                 time.Duration // how long a suspect first stays in a cell
	blameMemory               time.Duration // how long a tenant's crashes are remembered
	lingering                 time.Duration // how long a plugin may still work on an abandoned call

	check time.Duration // how long a plugin may take to check an instance
}

// ofProcess returns the part of the timing that package process uses.
func (t timing) ofProcess() process.Timing {
	return process.Timing{
		ProbeEvery: t.probeEvery, ProbeDeadline: t.probeDeadline, ProbeAgain: t.probeAgain,
		StopGrace: t.stopGrace, OutputGrace: t.outputGrace, ExitNotice: t.exitNotice, BrokenNotice: t.brokenNotice,
	}
}

// defaultTiming returns the timing of a real host.
func defaultTiming() timing {
	return timing{
		probeEvery: 5 * time.Second, probeDeadline: 3 * time.Second, probeAgain: time.Second,
		backoffBase: 100 * time.Millisecond, backoffMax: 10 * time.Second,
		healthyAfter: time.Minute, quarantineAfter: 6, quarantineWindow: 2 * time.Minute,
		quarantineRetry: time.Minute,
		stopGrace:       5 * time.Second, outputGrace: 500 * time.Millisecond,
		exitNotice: 250 * time.Millisecond, brokenNotice: 2 * time.Second, debounce: 300 * time.Millisecond,
		blamePause: bounds.BlamePause, maxBlamePause: bounds.MaxBlamePause, suspected: bounds.SuspectTime, blameMemory: bounds.BlameMemory,
		lingering: bounds.AbandonedTime, check: bounds.CheckTimeout,
		pollEvery: time.Second, reconsiderEvery: 2 * time.Second, trial: 15 * time.Second,
		hold: time.Second,
	}
}
