package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// killIfThere kills the process of the named plugin if it runs, and reports whether it did.
func killIfThere(host *hostProcess, name string) bool {
	p, there := host.plugins()[name]
	return there && p.PID > 0 && syscall.Kill(p.PID, syscall.SIGKILL) == nil
}

// TestMemoryFollowing_postgresStops checks a memory that follows conversations on two hosts while their
// database is stopped hard and started again.
func TestMemoryFollowing_postgresStops(t *testing.T) {
	t.Parallel()
	f, d := startDiaryFleet(t, 2, pgtest.Options{TCP: true})
	d.followsThrough(f.front, f.hosts[0], func() {
		pgtest.Check(t, f.cluster.Stop(pgtest.Kill))
		f.front.eventually(60*time.Second, "the follower of each host misses the storage", func() bool {
			return f.hosts[0].saysThatItCannotFollow() || f.hosts[1].saysThatItCannotFollow()
		})
		if a := f.front.do("DELETE", "/api/v1/conversations/late", "", "X-Tenant-ID: a"); a.Status < 500 {
			t.Errorf("a conversation is deleted without its storage: %d %s", a.Status, a.Body)
		}
		pgtest.Check(t, f.cluster.StartAgain(t.Context()))
		f.databaseBack()
	})
}

// saysThatItCannotFollow reports whether the host's log says that its follower could not work.
func (host *hostProcess) saysThatItCannotFollow() bool {
	return strings.Contains(host.log.String(), "could not follow its tenant's conversations")
}

// TestMemoryFollowing_sqliteKilled checks a memory that follows conversations while the process of
// storage-sqlite is killed again and again.
func TestMemoryFollowing_sqliteKilled(t *testing.T) {
	t.Parallel()
	host, d := prepareDiary(t, "")
	host.runUntilTheEnd()
	d.followsThrough(host, host, func() {
		for killed := 0; killed < 4; time.Sleep(100 * time.Millisecond) {
			if killIfThere(host, "storage-sqlite") {
				killed++
			}
		}
	})
}

// followsThrough lets the memory of the tenant a follow conversations while its storage is away, which
// outage makes unavailable for a while. It checks that nothing is lost, nothing is kept twice, and nothing
// is remembered of what was deleted: neither by a deletion before the outage that the memory was not told
// of, nor by a deletion during the outage. Requests go to front, which may pass them to any host. Those
// that the same host must answer go to host.
func (d *diaries) followsThrough(front, host *hostProcess, outage func()) {
	t := d.t
	t.Helper()
	away := d.path + ".away"
	front.put("a", d.block(fmt.Sprintf(`,"delay_ms":300,"away":%q`, away)))
	remove := func(conversation string) int {
		return host.do("DELETE", "/api/v1/conversations/"+conversation, "", "X-Tenant-ID: a").Status
	}
	host.mustChat("a", "gone", "secret before")
	host.mustChat("a", "late", "secret")
	host.eventually(60*time.Second, "the memory follows", d.keeps("", "a", "gone: secret before", "late: secret"))
	var want []string
	for i := range 6 {
		host.mustChat("a", fmt.Sprint("c", i), "one")
		want = append(want, fmt.Sprintf("c%d: one, two", i))
	}
	if err := os.WriteFile(away, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if status := remove("gone"); status < 500 {
		t.Errorf("the deletion is done while the memory is away: %d", status)
	}
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	outage()
	done := func(status int) bool { return status == 204 || status == 404 }
	front.eventually(90*time.Second, "a deletion that failed is repeated until it is done", func() bool { return done(remove("late")) })
	if got := d.texts("", "a"); slices.Contains(got, "late: secret") {
		t.Errorf("the deleted conversation is remembered: %q", got)
	}
	for i := range 6 {
		front.eventually(60*time.Second, "turns succeed again", func() bool { return front.chat("a", fmt.Sprint("c", i), "two").Status == 200 })
	}
	// The test does not repeat the deletion of the conversation "gone", so a follower must finish it. The
	// claim of a follower that lost its storage ends only with its lease.
	front.eventually(4*time.Minute, "the memory has all, and nothing that was deleted", d.keeps("", "a", want...))
	host.mustChat("a", "gone", "new under the id")
	host.eventually(2*time.Minute, "a reused id begins anew", d.keeps("", "a", append(want, "gone: new under the id")...))
	if _, most := d.told("", "a"); most > 3 {
		t.Errorf("a turn was told %d times", most)
	}
}
