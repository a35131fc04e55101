package e2e

import (
	"testing"
	"time"
)

// survives runs a fault while the hosts are under load. The function fault returns the remaining hosts
// when the fault is over. survives then checks that each remaining host serves turns within the bound
// recovery, and that the storage has every acknowledged turn once. Conversations may wait for the duration
// leases in addition, because killed hosts hold their leases for so long.
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

// databaseBack waits until the database accepts writes, and returns the time of the first write.
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

// untouched fails the test if one of the hosts has ended.
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
