package e2e

import (
	"testing"
	"time"
)

// survives runs the fault under load, and checks what must hold after it: the hosts
// that are left serve within the bound, and every turn whose end was seen is there
// once. The fault returns when it is over, with the hosts that are left. Conversations
// of dead hosts are given the time that their leases take.
func (f *fleet) survives(t *testing.T, tag string, leases time.Duration, fault func(t *testing.T, l *load) []*hostProcess) {
	f.belongsTo(t)
	l := startLoad(t, f.front, tag)
	l.flows(30*time.Second, time.Time{}, 2)
	p := startProbe(f.hosts, l.tenant(0))
	t.Cleanup(p.stop)
	left := fault(t, l)
	back := f.databaseBack()
	p.soon(t, back, left)
	l.flows(leases+recovery, back, 2)
	l.stop()
	late := l.latest(back)
	t.Logf("the last conversation went on after %s", late.Round(time.Millisecond))
	if late > leases+recovery {
		t.Errorf("a conversation had to wait for %s", late)
	}
	f.untouched(left)
	l.judge(left...)
	if f.cluster != nil {
		f.judgeRows()
	}
}

// databaseBack waits until the database takes bare writes, and answers since when.
func (f *fleet) databaseBack() time.Time {
	f.t.Helper()
	if f.cluster == nil {
		return time.Now()
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := f.cluster.Exec(f.t.Context(), f.db, "create temporary table back (n int)")
		if err == nil {
			return time.Now()
		}
		if time.Now().After(end) {
			f.t.Fatalf("the database did not come back: %v\n%s", err, f.cluster.Log())
		}
	}
}

// untouched fails the test for a host that ended by itself.
func (f *fleet) untouched(hosts []*hostProcess) {
	f.t.Helper()
	for i, host := range hosts {
		select {
		case <-host.done:
			f.t.Errorf("host %d ended:\n%s", i, host.log)
		default:
		}
	}
}
