package e2e

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// TestFleet_oneConversation checks a conversation whose requests go to three hosts in turn. In each turn
// the model must see the messages of the turns on the other hosts.
func TestFleet_oneConversation(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 3)
	f.front.put("a", `{"memory":{"type":"buffer","max_messages":20}}`)
	const turns = 12
	var seen []acked
	for n := range turns {
		text := fmt.Sprint("message ", n)
		a := f.front.do("POST", "/api/v1/chat", chatBody("c", text), "X-Tenant-ID: a", "Idempotency-Key: "+text)
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		seen = append(seen, acked{number: a.Turn, text: text, reply: a.Reply})
	}
	for _, host := range f.hosts {
		log := host.allTurns("a", "c")
		if len(log) != turns {
			t.Errorf("%d turns; want %d", len(log), turns)
		}
		for _, wrong := range judge(log, seen) {
			t.Error(wrong)
		}
	}
	// Concurrent turns of a conversation wait for each other, also across hosts.
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			text := fmt.Sprint("crowd ", n)
			if a := f.front.do("POST", "/api/v1/chat", chatBody("d", text), "X-Tenant-ID: a", "Idempotency-Key: "+text); a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	log := f.front.allTurns("a", "d")
	if len(log) != 16 {
		t.Errorf("%d turns of a crowd; want 16", len(log))
	}
	for _, wrong := range judge(log, nil) {
		t.Error(wrong)
	}
	// Concurrent requests to all hosts with the same idempotency key make one turn.
	numbers := map[int64]int{}
	var mu sync.Mutex
	for _, host := range f.hosts {
		for range 3 {
			wg.Go(func() {
				for {
					a := host.do("POST", "/api/v1/chat", chatBody("e", "once"), "X-Tenant-ID: a", "Idempotency-Key: once")
					if a.Status == 409 {
						time.Sleep(20 * time.Millisecond)
						continue
					}
					mu.Lock()
					defer mu.Unlock()
					numbers[a.Turn]++
					return
				}
			})
		}
	}
	wg.Wait()
	if len(numbers) != 1 || numbers[1] != 9 {
		t.Errorf("a repeated message became the turns %v; want number 1, nine times", numbers)
	}
	for i, host := range f.hosts {
		if a := host.do("GET", "/admin/v1/cache/a", ""); a.Status != 200 {
			t.Errorf("host %d had no part in it: %d %s", i, a.Status, a.Body)
		}
	}
}

// noticeWithin is how long other hosts may serve a tenant with its old settings after a change.
const noticeWithin = time.Second

// TestFleet_changedTenants checks that all hosts apply a change or a removal of a tenant within a second.
// It checks hosts that the database notifies, hosts whose listening connections are killed, and hosts
// behind a pooler, which must poll the database.
func TestFleet_changedTenants(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 3)
	f.front.put("warm", `{}`)
	t.Run("told", func(t *testing.T) {
		f.awaitListeners(3)
		f.noticed(t, "told", nil)
		if f.logged("gives no notice") {
			t.Error("a host says that it is not told of changes")
		}
	})
	t.Run("listening broken", func(t *testing.T) {
		f.awaitListeners(3)
		killed := 0
		f.noticed(t, "broken", func() {
			killed += len(strings.Fields(f.sql(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %%'`)))
		})
		if killed == 0 {
			t.Error("no listening connection was there to be killed")
		}
		f.awaitListeners(3) // the hosts reconnect by themselves
	})
	t.Run("through a pooler", func(t *testing.T) {
		db := newDatabase(t, c)
		b, err := pgtest.PgBouncer(t.Context(), c)
		pgtest.Check(t, err)
		f := startFleetAt(t, c, db, b.DSN(db), 3)
		f.noticed(t, "pooled", nil)
		for _, host := range f.hosts {
			if !strings.Contains(host.log.String(), "gives no notice of changes") {
				t.Errorf("a host behind a pooler does not say that it has to ask:\n%s", host.log)
			}
		}
	})
	t.Run("through a pooler, told directly", func(t *testing.T) {
		db := newDatabase(t, c)
		b, err := pgtest.PgBouncer(t.Context(), c)
		pgtest.Check(t, err)
		f := startFleetAt(t, c, db, b.DSN(db), 3,
			"BOTYARD__REGISTRY__STORAGE__DSN="+b.DSN(db), "BOTYARD__REGISTRY__STORAGE__LISTEN_DSN="+c.DSN(db))
		f.front.put("warm", `{}`)
		f.awaitListeners(3)
		f.noticed(t, "direct", nil)
	})
}

// awaitListeners waits until n connections listen for notifications.
func (f *fleet) awaitListeners(n int) {
	f.t.Helper()
	f.front.eventually(15*time.Second, fmt.Sprint(n, " hosts listen"), func() bool {
		return f.sql(`select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen %%'`) == fmt.Sprint(n)
	})
}

// noticed registers, changes and removes a tenant, each on a different host, and checks that all hosts
// apply the change in time. It calls disturb, if not nil, before each change.
func (f *fleet) noticed(t *testing.T, tag string, disturb func()) {
	t.Helper()
	f.belongsTo(t)
	var worst time.Duration
	for version := range 2 {
		at := f.hosts[version]
		settings := fmt.Sprintf(`{"prompts":{"system":"version %d"}}`, version)
		worst = max(worst, f.change(t, tag, disturb, func() { at.put(tag, settings) }, func(a answer) bool {
			return a.Status == 200 && strings.Contains(a.Reply, fmt.Sprintf(`"version %d"`, version))
		}))
	}
	worst = max(worst, f.change(t, tag, disturb, func() {
		if a := f.hosts[2].do("DELETE", "/admin/v1/tenants/"+tag, ""); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}, func(a answer) bool { return a.Status == 404 }))
	t.Logf("the last request that was served as before came %s after the change at most", worst.Round(time.Millisecond))
}

// change calls do, which changes a tenant, while all hosts get requests. It returns how long after the
// change the last request came whose response was not as wanted. The test fails if this is longer than
// noticeWithin.
func (f *fleet) change(t *testing.T, tenant string, disturb, do func(), want func(answer) bool) time.Duration {
	t.Helper()
	type asked struct {
		at   time.Time
		good bool
		a    answer
	}
	all := make([][]asked, len(f.hosts))
	begin := time.Now()
	var changed atomic.Int64 // time from begin to the change; 0 before the change
	done := func(at time.Time) bool {
		c := changed.Load()
		return t.Context().Err() != nil || c != 0 && at.Sub(begin)-time.Duration(c) > noticeWithin
	}
	var wg sync.WaitGroup
	for i, host := range f.hosts {
		wg.Go(func() {
			for at := begin; !done(at); time.Sleep(20 * time.Millisecond) {
				at = time.Now()
				a := host.chat(tenant, fmt.Sprint("c", i), "hello")
				all[i] = append(all[i], asked{at, want(a), a})
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	if disturb != nil {
		disturb()
	}
	do()
	changed.Store(int64(time.Since(begin)))
	wg.Wait()
	var worst time.Duration
	for i, host := range all {
		for _, a := range host {
			took := a.at.Sub(begin) - time.Duration(changed.Load())
			if a.good {
				continue
			}
			worst = max(worst, took)
			if took > noticeWithin {
				t.Errorf("host %d answered a request %s after the change: %d %s", i, took, a.a.Status, a.a.Body)
			}
		}
	}
	return worst
}
