package admission

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

const (
	crashLoopAfter = bounds.BlamedCrashes // crashes of one configuration
	// crashLoopPause is how long a configuration is not given to a process after its
	// last crash.
	crashLoopPause = time.Minute
	// crashLoopMemory is how long a configuration is remembered after its pause. In that
	// time one more crash is enough for the next pause. So one configuration causes fewer
	// crashes a minute than the supervisor needs to put the plugin into quarantine.
	crashLoopMemory = 10 * time.Minute
)

// CrashLoops refuses configurations that crash the plugin again and again when they are
// given to it. Without that, such a configuration would be tried for ever. Several tenants
// may have the same configuration, so no tenant is blamed for it.
//
// It is used by any number of goroutines.
type CrashLoops struct {
	plugin string // in messages
	log    hclog.Logger

	tracked atomic.Int32 // len(loops); read without the lock
	mu      sync.Mutex
	loops   map[string]crashLoop // by the configuration's digest
}

// crashLoop counts the crashes of one configuration.
type crashLoop struct {
	crashes int
	last    Process   // the process that was counted last; many calls may end with one process
	until   time.Time // the end of the pause
}

// NewCrashLoops returns a CrashLoops without counts. plugin is the plugin's name in messages.
func NewCrashLoops(plugin string, log hclog.Logger) *CrashLoops {
	return &CrashLoops{plugin: plugin, log: log, loops: map[string]crashLoop{}}
}

// Check returns an error while the configuration must not be given to a process.
func (c *CrashLoops) Check(digest string) error {
	if c.tracked.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.loops[digest]
	left := time.Until(l.until)
	switch {
	case !ok || l.crashes < crashLoopAfter:
		return nil
	case left <= 0:
		l.crashes = crashLoopAfter - 1
		c.loops[digest] = l
		return nil
	}
	return fault.New(fault.PluginUnavailable, "the %s ended each time that it was given this configuration", c.plugin).After(left.Round(time.Second))
}

// Crashed counts a process that ended while it was given the configuration. The same
// process counts once.
func (c *CrashLoops) Crashed(digest string, process Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweepLocked()
	l := c.loops[digest]
	if l.last != process {
		c.loops[digest] = crashLoop{l.crashes + 1, process, time.Now().Add(crashLoopPause)}
		if l.crashes+1 == crashLoopAfter {
			c.log.Error("a configuration ends the plugin again and again: it is not used for a while", "instance", digest[:12], "while", crashLoopPause)
		}
	}
	c.tracked.Store(int32(len(c.loops)))
}

// sweepLocked drops counts that are too old, and makes room for one more. Locked: mu is held.
func (c *CrashLoops) sweepLocked() {
	for digest, l := range c.loops {
		if time.Since(l.until) > crashLoopMemory || (l.crashes < crashLoopAfter-1 && time.Now().After(l.until)) {
			delete(c.loops, digest)
		}
	}
	for digest := range c.loops {
		if len(c.loops) < bounds.CrashLoops {
			break
		}
		delete(c.loops, digest)
	}
}

// Succeeded drops the count of a configuration that a process accepted.
func (c *CrashLoops) Succeeded(digest string) {
	if c.tracked.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loops, digest)
	c.tracked.Store(int32(len(c.loops)))
}

// Reset drops all counts. The supervisor calls it when the plugin's file or settings changed
// or an operator asks for another try: the plugin may not crash on these configurations any
// more.
func (c *CrashLoops) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.loops)
	c.tracked.Store(0)
}
