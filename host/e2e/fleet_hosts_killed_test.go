package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/pgtest"
)

// TestFleet_hostsAreKilled checks that a fleet under load survives its hosts. First a host hangs for
// longer than its leases, while other hosts take over its conversations, and then goes on. Later one host
// of four is killed, and then two of the remaining three. The other hosts must serve all conversations
// once the leases of the killed hosts have expired.
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
			time.Sleep(bot.Lease + 2*time.Second) // long enough for the other hosts to take over the conversations
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
