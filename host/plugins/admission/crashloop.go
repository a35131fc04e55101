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
	crashLoopAfter = bounds.BlamedCrashes // how many crashes of one configuration start a pause
	// crashLoopPause is how long a configuration that crashed the plugin crashLoopAfter
	// times is given to no process. The pause starts with the last crash.
	crashLoopPause = time.Minute
	// crashLoopMemory is how long the crashes of a configuration are remembered after its
	// pause. In this time one more crash starts the next pause. So a single configuration
	// causes fewer crashes per minute than the supervisor needs to put the plugin into
	// quarantine.
	crashLoopMemory = 10 * time.Minute
)

// CrashLoops refuses configurations that repeatedly crash the plugin when a process gets
// them. Without CrashLoops, the host would configure a process with such a configuration
// again for each call. Several tenants may have the same configuration, so CrashLoops
// blames no tenant.
//
// A CrashLoops is safe for concurrent use.
type CrashLoops struct {
	plugin string // the plugin's name in error messages
	log    hclog.Logger

	tracked atomic.Int32 // the length of loops, which Check and Succeeded read without the lock
	mu      sync.Mutex
	loops   map[string]crashLoop // by the digest of the configuration
}

// crashLoop counts the crashes of one configuration.
type crashLoop struct {
	crashes int
	last    Process   // the process whose crash was counted last; one crash may end several calls
	until   time.Time // when the pause ends
}

// NewCrashLoops returns a CrashLoops that has counted no crash. plugin is the plugin's name
// in error messages.
func NewCrashLoops(plugin string, log hclog.Logger) *CrashLoops {
	return &CrashLoops{plugin: plugin, log: log, loops: map[string]crashLoop{}}
}

// Check returns an error while the caller must not give the configuration to a process.
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

// Crashed records that the process crashed while it was given the configuration. Repeated
// calls with the same process count as one crash.
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

// sweepLocked deletes expired counts, and then as many others as are necessary for a new
// count to fit into bounds.CrashLoops. Locked: mu is held.
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

// Succeeded deletes the count of a configuration that a process accepted.
func (c *CrashLoops) Succeeded(digest string) {
	if c.tracked.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loops, digest)
	c.tracked.Store(int32(len(c.loops)))
}

// Reset deletes all counts. The supervisor calls Reset when the plugin's file or settings
// changed, or when an operator asks for another try, because the plugin may now accept the
// configurations.
func (c *CrashLoops) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.loops)
	c.tracked.Store(0)
}
