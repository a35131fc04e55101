package plugins

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"go.uber.org/goleak"
)

// checkLeftovers checks, when the host of the test has been closed, that the test has left
// no child process, no open descriptor and no goroutine. It is called before newHost.
func checkLeftovers(t *testing.T) {
	t.Helper()
	goroutines := goleak.IgnoreCurrent()
	files := openFiles(t)
	t.Cleanup(func() {
		eventually(t, 20*time.Second, "no child process is left", func() bool { return len(childPIDs(t)) == 0 })
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		eventually(t, 20*time.Second, "no descriptor is left", func() bool { return openFiles(t) <= files })
	})
}

// childPIDs returns the processes whose parent is this process, without those that have ended
// and are not reaped.
func childPIDs(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[0] != "Z" && fields[1] == itoa(os.Getpid()) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// openFiles returns how many descriptors this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// neighbours are two good plugins that are called all the time: another plugin of the kind
// llm, and a plugin of another kind. A call that fails, fails the test.
type neighbours struct {
	h        *host
	stop     context.CancelFunc
	all      sync.WaitGroup
	answered [2]atomic.Int64
}

// neighbours begins to call the plugin good and the storage memory, until the end of the
// test.
func (h *host) neighbours() *neighbours {
	h.t.Helper()
	h.putBuilt("botyard-storage-memory")
	ctx, cancel := context.WithCancel(context.Background())
	n := &neighbours{h: h, stop: cancel}
	for k, spec := range []Spec{{Name: "good", Tenant: "n"}, {Kind: "storage", Name: "memory", Tenant: "n"}} {
		i := h.open(spec)
		n.all.Go(func() {
			for ctx.Err() == nil {
				call, cancel := context.WithTimeout(ctx, 30*time.Second)
				err := i.call(call, callOptions{tenant: "n"}, func(ctx context.Context, t target) error {
					_, err := pluginv1.NewPluginServiceClient(t.conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
					return err
				})
				cancel()
				if err != nil && ctx.Err() == nil {
					h.t.Errorf("a call of the %s: %v", i.sup.ref, err)
				}
				n.answered[k].Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	h.t.Cleanup(func() {
		n.stop()
		n.all.Wait()
		for _, name := range []string{"good", "memory"} {
			if st := h.row(name); st.Restarts != 0 || st.State != Ready || st.LastError != "" {
				h.t.Errorf("a neighbour: %+v", st)
			}
		}
	})
	return n
}

// awaitMore waits until each neighbour has answered ten more calls.
func (n *neighbours) awaitMore() {
	n.h.t.Helper()
	before := [2]int64{n.answered[0].Load(), n.answered[1].Load()}
	eventually(n.h.t, 30*time.Second, "the neighbours are called", func() bool {
		return n.answered[0].Load() >= before[0]+10 && n.answered[1].Load() >= before[1]+10
	})
}
