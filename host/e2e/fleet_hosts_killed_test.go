package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/pgtest"
)

// A host hangs under load for longer than its leases live, and then goes on: what it
// held is others' by then. One of four is killed, then two of the three that are left.
// The others go on, and take over what the dead ones held when its leases ran out.
func TestFleet_hostsAreKilled(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 4)
	kill := func(t *testing.T, hosts []*hostProcess) {
		for _, host := range hosts {
			if err := host.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		for _, host := range hosts {
			<-host.done
		}
	}
	left := f.hosts
	t.Run("one host hangs", func(t *testing.T) {
		f.survives(t, "hangs", bot.Lease, func(t *testing.T, _ *load) []*hostProcess {
			hung := left[0].cmd.Process
			if err := hung.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			time.Sleep(bot.Lease + 2*time.Second) // the others have taken over
			if err := hung.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			return left
		})
	})
	for _, fault := range []struct {
		name string
		dead int
	}{{"one host", 1}, {"two of three hosts", 2}} {
		t.Run(fault.name, func(t *testing.T) {
			f.hosts = left
			f.survives(t, tagOf(fault.name), bot.Lease, func(t *testing.T, _ *load) []*hostProcess {
				kill(t, left[:fault.dead])
				left = left[fault.dead:]
				return left
			})
		})
	}
}
