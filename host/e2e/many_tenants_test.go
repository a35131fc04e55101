package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// slack is the factor by which a bound may be exceeded, because the machine may have other work. The tests
// log the measured times.
const slack = 12

// TestManyTenants_firstTurns checks that the first turns of a thousand tenants on a new host take less
// than 5 seconds (times slack).
func TestManyTenants_firstTurns(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 1)
	f.register(1000)
	host := f.another()
	begin := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for n := next.Add(1); n <= 1000; n = next.Add(1) {
				if a := host.chat(fmt.Sprint("many", n), "c", "hello"); a.Status != 200 || a.Turn != 1 {
					t.Errorf("many%d: %d %s", n, a.Status, a.Body)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	t.Logf("a thousand first turns took %s", took.Round(time.Millisecond))
	if took > slack*5*time.Second {
		t.Errorf("a thousand first turns took %s", took)
	}
}

// TestManyTenants_aHundredThousand checks that a host with a hundred thousand registered tenants is ready
// within 3 seconds (times slack).
func TestManyTenants_aHundredThousand(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 1)
	f.register(100_000)
	begin := time.Now()
	host := f.another()
	took := time.Since(begin)
	t.Logf("the host was ready after %s", took.Round(time.Millisecond))
	if took > slack*3*time.Second {
		t.Errorf("the host was ready after %s", took)
	}
	begin = time.Now()
	for _, n := range []int{1, 50_000, 100_000} {
		host.mustChat(fmt.Sprint("many", n), "c", "hello")
	}
	t.Logf("three of them had their first turns within %s", time.Since(begin).Round(time.Millisecond))
	if a, err := host.try(context.Background(), "GET", "/admin/v1/tenants?limit=1000&after=many5", ""); err != nil || a.Status != 200 {
		t.Errorf("a page of tenants: %v, %d %s", err, a.Status, a.Body)
	}
}

// register registers the tenants many1 to many<n> with SQL, as copies of a tenant that a host registers.
// Each copy has an incarnation of its own.
func (f *fleet) register(n int) {
	f.t.Helper()
	f.front.put("many", `{"prompts":{"system":"I am one of many."}}`)
	f.sql(`begin;
		insert into botyard.registrations (tenant, version, position, state, incarnation, document, note, attempt, created)
			select 'many' || n, 1, r.position + n, r.state, 'life' || n, r.document, r.note, 'attempt' || n, r.created
			from botyard.registrations as r, generate_series(1, %d) as n where r.tenant = 'many';
		insert into botyard.tenants (tenant, version, position) select tenant, version, position
			from botyard.registrations where tenant like 'many_%%';
		update botyard.registry set position = (select max(position) from botyard.registrations);
		commit; analyze`, n)
}

// another starts another host of the fleet.
func (f *fleet) another() *hostProcess {
	f.t.Helper()
	first := f.hosts[0]
	host := newHost(f.t, first.config, first.env)
	host.runUntilTheEnd()
	return host
}
