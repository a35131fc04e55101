package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/process"
)

// timing holds the durations and counts that no operator sets. Tests make them short.
type timing struct {
	probeEvery, probeDeadline, probeAgain time.Duration

	backoffBase, backoffMax time.Duration
	healthyAfter            time.Duration // a process that ran so long has not failed
	quarantineAfter         int           // failures in a row ...
	quarantineWindow        time.Duration // ... within this
	quarantineRetry         time.Duration

	stopGrace       time.Duration // between the request to end and SIGKILL
	outputGrace     time.Duration // for the last output of a process that ended
	exitNotice      time.Duration // between a broken connection and the news of the exit
	reconsiderEvery time.Duration // between questions whether a refused configuration is still in use, at first
	debounce        time.Duration // how long plugin folders must be quiet before they are scanned
	trial           time.Duration // a new version that ends within this gives its place back
	hold            time.Duration // for which new calls are held while an exclusive plugin is replaced, at first
	pollEvery       time.Duration // between polls of plugin folders, which find changes without events
	pollOnly        bool          // no events of plugin folders are used

	blamePause, maxBlamePause time.Duration // how long a tenant is kept away, at first and at most
	suspected                 time.Duration // how long a suspect stays in a cell, at first
	blameMemory               time.Duration // how long a tenant's crashes are remembered
	lingering                 time.Duration // how long an abandoned call may still be at work
}

// ofProcess returns the part of the timing that counts for a process.
func (t timing) ofProcess() process.Timing {
	return process.Timing{
		ProbeEvery: t.probeEvery, ProbeDeadline: t.probeDeadline, ProbeAgain: t.probeAgain,
		StopGrace: t.stopGrace, OutputGrace: t.outputGrace, ExitNotice: t.exitNotice,
	}
}

// defaultTiming returns the timing of a host.
func defaultTiming() timing {
	return timing{
		probeEvery: 5 * time.Second, probeDeadline: 3 * time.Second, probeAgain: time.Second,
		backoffBase: 100 * time.Millisecond, backoffMax: 10 * time.Second,
		healthyAfter: time.Minute, quarantineAfter: 6, quarantineWindow: 2 * time.Minute,
		quarantineRetry: time.Minute,
		stopGrace:       5 * time.Second, outputGrace: 500 * time.Millisecond,
		exitNotice: 250 * time.Millisecond, debounce: 300 * time.Millisecond,
		blamePause: bounds.BlamePause, maxBlamePause: bounds.MaxBlamePause, suspected: bounds.SuspectTime, blameMemory: bounds.BlameMemory,
		lingering: bounds.AbandonedTime,
		pollEvery: time.Second, reconsiderEvery: 2 * time.Second, trial: 15 * time.Second,
		hold: time.Second,
	}
}
