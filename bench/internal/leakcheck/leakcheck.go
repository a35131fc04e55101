package leakcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/bounds"
)

// Checker takes samples of an idle host and measures its memory under load. A Checker is not safe for
// concurrent use.
type Checker struct {
	Host *hostproc.Host
	// Profiles is the folder to which the host writes its profiles, as package profile does.
	Profiles string
	// WaitingGoroutines is how many more goroutines than at first are allowed because they wait for
	// storages that do not answer.
	WaitingGoroutines int

	samples []sample
	growth  []error // errors about memory that grew under load
}

// sample is what an idle host uses. The keys of the maps are the process names of hostproc.Host.Pids.
type sample struct {
	what        string
	goroutines  int    // goroutines of the host's process
	stacks      string // stacks of these goroutines
	descriptors map[string]int
	resident    map[string]int64 // resident memory in bytes
	instances   map[string]int   // plugin instances
}

// Measure takes a sample of the host and prints it. The host must be idle. The parameter what names the
// load that ran before. Err later compares the first sample with all others.
func (c *Checker) Measure(ctx context.Context, what string) error {
	pids, err := c.Host.Pids()
	if err != nil {
		return err
	}
	n := sample{what: what, descriptors: map[string]int{}, resident: map[string]int64{}}
	for name, pid := range pids {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil && !errors.Is(err, fs.ErrPermission) { // only root may count descriptors of a plugin
			return err
		}
		m, err := procfs.MemoryOf(pid)
		if err != nil {
			return err
		}
		n.descriptors[name], n.resident[name] = len(fds), m.RSS<<10
	}
	if n.goroutines, err = c.goroutines(pids["host"]); err != nil {
		return err
	}
	if n.stacks, err = profile.Stacks(c.Profiles, "host"); err != nil {
		return err
	}
	if n.instances, err = c.Host.Instances(ctx); err != nil {
		return err
	}
	fmt.Printf("at rest after %q: %d goroutines, descriptors %v, resident %v, instances %v\n", what, n.goroutines, n.descriptors, n.resident, n.instances)
	c.samples = append(c.samples, n)
	return nil
}

// goroutines makes the host write a profile, and returns the number of goroutines in it.
func (c *Checker) goroutines(pid int) (int, error) {
	if err := syscall.Kill(pid, profile.Begin); err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond) // signals sent at once could arrive in the wrong order
	if err := syscall.Kill(pid, profile.End); err != nil {
		return 0, err
	}
	counts, err := profile.Read(c.Profiles, "host")
	return counts.Goroutines, err
}

// WatchMemory measures the host's resident memory every second until ctx is done. ctx must have a
// deadline. A peak in the second half of this time that is much above the peak of the first half is an
// error, which Err returns.
func (c *Checker) WatchMemory(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	half := time.Now().Add(time.Until(deadline) / 2)
	var early, late int64
	for ctx.Err() == nil {
		if m, err := procfs.MemoryOf(c.Host.PID); err == nil {
			if time.Now().Before(half) {
				early = max(early, m.RSS<<10)
			} else {
				late = max(late, m.RSS<<10)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	fmt.Printf("host's resident peak: %d MB in the first half, %d MB in the second\n", early>>20, late>>20)
	if late > early+early/2+32<<20 {
		c.growth = append(c.growth, fmt.Errorf("the host's memory grows under load: %d MB at first, %d MB later", early>>20, late>>20))
	}
}

// Err returns an error for everything that grew, or nil. Some growth is allowed, for goroutines and
// descriptors of idle connections and for memory that the garbage collector has not returned.
func (c *Checker) Err() error {
	if len(c.samples) < 2 {
		return errors.New("nothing was counted")
	}
	errs := c.growth
	for _, after := range c.samples[1:] {
		if err := c.samples[0].compare(after, c.WaitingGoroutines); err != nil {
			errs = append(errs, fmt.Errorf("after %q: %w", after.what, err))
		}
	}
	return errors.Join(errs...)
}

// compare returns an error for everything that is larger in the sample after than in n. It allows the
// given number of waiting goroutines.
func (n sample) compare(after sample, waiting int) error {
	var errs []error
	extra := 0 // extra plugin processes for suspect tenants, which the host stops only later
	for name := range after.descriptors {
		if _, before := n.descriptors[name]; before {
			continue
		}
		plugin, _, isExtra := strings.Cut(name, hostproc.ExtraMark)
		if _, before := n.descriptors[plugin]; !isExtra || !before {
			errs = append(errs, fmt.Errorf("a process of %s came", name))
		}
		extra++
	}
	for name := range n.descriptors {
		if _, there := after.descriptors[name]; !there && !strings.Contains(name, hostproc.ExtraMark) {
			errs = append(errs, fmt.Errorf("the process of %s went", name))
		}
	}
	if limit := bounds.PluginCells * (len(n.descriptors) - 1); extra > limit {
		errs = append(errs, fmt.Errorf("%d extra processes: at most %d are allowed", extra, limit))
	}
	if after.goroutines > n.goroutines+20+waiting+goroutinesPerProcess*extra {
		errs = append(errs, fmt.Errorf("goroutines grew from %d to %d, with %d extra processes; they are\n%s\nand were\n%s",
			n.goroutines, after.goroutines, extra, after.stacks, n.stacks))
	}
	for name := range n.descriptors {
		slack := 20
		if name == "host" {
			slack += descriptorsPerProcess * extra
		}
		if after.descriptors[name] > n.descriptors[name]+slack {
			errs = append(errs, fmt.Errorf("%s: descriptors grew from %d to %d", name, n.descriptors[name], after.descriptors[name]))
		}
		if after.resident[name] > 2*n.resident[name]+64<<20 {
			errs = append(errs, fmt.Errorf("%s: memory grew from %d to %d MB", name, n.resident[name]>>20, after.resident[name]>>20))
		}
		if after.instances[name] > n.instances[name]+extra {
			errs = append(errs, fmt.Errorf("%s: instances grew from %d to %d", name, n.instances[name], after.instances[name]))
		}
	}
	return errors.Join(errs...)
}

// The most goroutines and descriptors that a host uses for one plugin process.
const (
	goroutinesPerProcess  = 30
	descriptorsPerProcess = 10
)
