package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTenants_changeUnderLoad changes tenants two hundred times a second under load. Every turn must
// succeed and run with one revision, and plugin instances must not accumulate.
func TestTenants_changeUnderLoad(t *testing.T) {
	host := start(t, echoDefaults, nil)
	const tenants = 10
	put := func(i, n int) error {
		a, err := host.try(context.Background(), "PUT", fmt.Sprintf("/admin/v1/tenants/t%d", i), fmt.Sprintf(`{"prompts":{"system":"<t%d at %d>"}}`, i, n))
		if err == nil && a.Status/100 != 2 {
			err = fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return err
	}
	for i := range tenants {
		if err := put(i, 0); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var turns atomic.Int32
	var mu sync.Mutex
	prompt := map[string]string{} // system prompts by revision
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				tenant := fmt.Sprint("t", (w+n)%tenants)
				a, err := host.try(context.Background(), "POST", "/api/v1/chat", chatBody(fmt.Sprint("c", w), "x"), "X-Tenant-ID: "+tenant)
				if err != nil || a.Status != 200 {
					t.Errorf("%v %d %s", err, a.Status, a.Body)
					return
				}
				from, to := strings.Index(a.Reply, "<"), strings.Index(a.Reply, ">")
				if from < 0 || !strings.HasPrefix(a.Reply[from:], "<"+tenant+" ") {
					t.Errorf("%s got %s", tenant, a.Reply)
					return
				}
				mu.Lock()
				if known, ok := prompt[a.Bot.Revision]; ok && known != a.Reply[from:to] {
					t.Errorf("revision %s has two prompts: %s and %s", a.Bot.Revision, known, a.Reply[from:to])
				}
				prompt[a.Bot.Revision] = a.Reply[from:to]
				mu.Unlock()
				turns.Add(1)
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; n <= 1000; n++ {
		<-tick.C
		if err := put(n%tenants, n); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	all.Wait()
	for name, p := range host.plugins() {
		if p.State != "available" && (p.Instances != 1 || p.Restarts != 0) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	t.Logf("%d turns on %d revisions", turns.Load(), len(prompt))
}
