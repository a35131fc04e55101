package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// TestPurge_onAllHosts checks that three hosts stop serving a tenant within a second after one of them has
// purged it, and that the database then has no data of the tenant.
func TestPurge_onAllHosts(t *testing.T) {
	f := startFleet(t, pgtest.For(t, pgtest.Options{NoSync: true}), 3)
	f.front.put("a", "{}")
	f.front.put("b", "{}")
	f.front.imports("a", largeExport(20, 300))
	f.front.imports("b", largeExport(2, 10))

	var mu sync.Mutex
	var purged time.Time // time at which the response to the purge was read
	var wrong []string
	kept := 0
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 9 {
		host := f.hosts[i%3]
		load.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				asked := time.Now()
				a := host.chat("a", fmt.Sprintf("load-%d-%d", i, n%3), "hello")
				mu.Lock()
				if a.Status == http.StatusOK {
					kept++
				}
				if !purged.IsZero() && asked.Sub(purged) > time.Second && a.Status != http.StatusNotFound {
					wrong = append(wrong, fmt.Sprintf("%s after the purge: %d %s", asked.Sub(purged), a.Status, a.Body))
				}
				mu.Unlock()
			}
		})
	}
	f.front.eventually(10*time.Second, "the tenant is used", func() bool { mu.Lock(); defer mu.Unlock(); return kept > 50 })
	receipt := f.hosts[0].purge("a")
	mu.Lock()
	purged = time.Now()
	mu.Unlock()
	time.Sleep(2500 * time.Millisecond)
	close(stop)
	load.Wait()
	if len(wrong) > 0 {
		t.Errorf("%d answers, the first: %s", len(wrong), wrong[0])
	}
	if receipt.Turns < 6000+50 || receipt.Conversations < 21 {
		t.Errorf("%+v", receipt)
	}
	for _, table := range []string{"conversations", "turns", "trash"} {
		if left := f.sql("select count(*) from botyard.%s where tenant = 'a'", table); strings.TrimSpace(left) != "0" {
			t.Errorf("%s rows are left in %s", strings.TrimSpace(left), table)
		}
	}
	if left := f.sql("select count(*), min(state) from botyard.registrations where tenant = 'a'"); !strings.Contains(left, "1") || !strings.Contains(left, "purged") {
		t.Errorf("left of the registration is %s", left)
	}
	if left := f.sql("select count(*) from botyard.turns where tenant = 'b'"); strings.TrimSpace(left) != "20" {
		t.Errorf("of another tenant %s turns are left", left)
	}
	// After a purge every host accepts the id for a new tenant.
	f.hosts[1].put("a", "{}")
	f.hosts[2].eventually(5*time.Second, "it is served again", func() bool { return f.hosts[2].chat("a", "load-0-0", "Do you remember me?").Turn == 1 })
}
