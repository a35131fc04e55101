package plugins

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// innocents are tenants that make calls until the test ends. They count their answered
// calls, and the calls that were refused because attribution blames them.
type innocents struct {
	answered, refused []atomic.Int64
	stop              context.CancelFunc
	all               sync.WaitGroup
}

func (h *host) innocents(n int, name, text string) *innocents {
	ctx, cancel := context.WithCancel(context.Background())
	busy := &innocents{answered: make([]atomic.Int64, n), refused: make([]atomic.Int64, n), stop: cancel}
	for k := range n {
		i := h.open(Spec{Name: name, Tenant: fmt.Sprint("innocent", k)})
		busy.all.Go(func() {
			for ctx.Err() == nil {
				_, err := ask(ctx, i, fmt.Sprint("innocent", k), text)
				switch {
				case err == nil:
					busy.answered[k].Add(1)
				case ctx.Err() == nil && isKeptAway(err):
					busy.refused[k].Add(1)
				}
			}
		})
	}
	h.t.Cleanup(busy.end)
	return busy
}

func (b *innocents) end() {
	b.stop()
	b.all.Wait()
}

func isKeptAway(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Party == fault.PartyTenant && strings.Contains(f.Told, "refused for a while")
}

// crashUntilKeptAway makes calls of the tenant that crash the plugin, until the tenant is
// refused. spec returns the configuration and the user's message of the n-th call.
// crashUntilKeptAway returns how many calls reached the plugin.
func (h *host) crashUntilKeptAway(tenant, name string, spec func(n int) (config, text string)) (n int) {
	h.t.Helper()
	for n = 0; n < 100; n++ {
		config, text := spec(n)
		i, err := h.Open(context.Background(), Spec{Kind: "llm", Name: name, Tenant: tenant, Config: []byte(config)})
		if err == nil {
			_, err = ask(context.Background(), i, tenant, text)
			i.Close()
		}
		if err == nil {
			h.t.Fatal("the plugin survived")
		}
		if isKeptAway(err) {
			if f := fault.Of(err); f.RetryAfter <= 0 || f.Class != fault.PluginUnavailable || strings.Contains(f.Told, "test") {
				h.t.Errorf("refusal: %+v", f)
			}
			return n
		}
	}
	h.t.Fatal("the tenant is never kept away")
	return n
}

// TestAttribution_blamesTheTenantThatCrashesThePlugin checks that a tenant whose calls or
// configurations crash the plugin is refused after a bounded number of crashes, and that
// the other tenants are not refused.
//
// beyond: tenant that ends a plugin
func TestAttribution_blamesTheTenantThatCrashesThePlugin(t *testing.T) {
	for name, spec := range map[string]func(n int) (config, text string){
		"by calls":         func(int) (string, string) { return `{}`, "crash" },
		"by panics":        func(int) (string, string) { return `{}`, "panic" },
		"by configuring":   func(n int) (string, string) { return fmt.Sprintf(`{"crash":true,"secret":"s%d"}`, n), "" },
		"by many settings": func(n int) (string, string) { return fmt.Sprintf(`{"secret":"s%d"}`, n), "crash" },
		"with good calls": func(n int) (string, string) {
			return `{}`, "crash"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, hostOptions{}, "test")
			busy := h.innocents(3, "test", "sleep 2ms")
			good := h.open(Spec{Name: "test", Tenant: "hostile"})
			eventually(t, 30*time.Second, "all are busy", func() bool {
				return busy.answered[0].Load() > 5 && busy.answered[1].Load() > 5 && busy.answered[2].Load() > 5
			})
			n := h.crashUntilKeptAway("hostile", "test", func(n int) (string, string) {
				if name == "with good calls" {
					for range 3 {
						if _, err := ask(context.Background(), good, "hostile", "hello"); err != nil && !isKeptAway(err) {
							t.Error(err)
						}
					}
				}
				return spec(n)
			})
			// The tenant may crash the shared process once, up to three cells with other
			// tenants, and its own cell bounds.BlamedCrashes times.
			if most := 1 + 3 + bounds.BlamedCrashes; n > most {
				t.Errorf("it ended the plugin %d times, want at most %d", n, most)
			}
			st := h.row("test")
			if st.State == Quarantined || st.Restarts > 2 {
				t.Errorf("the plugin of all others: %+v", st)
			}
			if len(st.KeptAway) != 1 || st.KeptAway[0].Tenant != "hostile" || !st.KeptAway[0].Until.After(time.Now()) || st.KeptAway[0].Reason == "" {
				t.Errorf("kept away: %+v", st.KeptAway)
			}
			var before [3]int64
			for k := range before {
				before[k] = busy.answered[k].Load()
			}
			eventually(t, 30*time.Second, "the others go on", func() bool {
				for k := range before {
					if busy.answered[k].Load() < before[k]+20 {
						return false
					}
				}
				return true
			})
			busy.end()
			for k := range before {
				if busy.refused[k].Load() > 0 {
					t.Errorf("innocent%d was refused %d times", k, busy.refused[k].Load())
				}
			}
			if log := h.log.String(); strings.Count(log, "they are refused for a while") != 1 {
				t.Errorf("the log does not say it once")
			}
			if total := h.Totals()[0]; total.Blamed < bounds.BlamedCrashes || total.KeptAway != 1 {
				t.Errorf("totals: %+v", total)
			}
			if good.closed.Load() {
				t.Error("closed")
			}
		})
	}
}

// TestAttribution_staysWithTheTenant checks that a refused tenant stays refused with a new
// configuration after its instances were released. It also checks that calls that end a
// turn or delete data are not refused.
func TestAttribution_staysWithTheTenant(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test")
	h.open(Spec{Name: "test", Tenant: "other"})
	h.crashUntilKeptAway("hostile", "test", func(int) (string, string) { return `{}`, "crash" })
	eventually(t, 10*time.Second, "its instances are released", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.instances) == 1
	})
	if _, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Tenant: "hostile", Config: []byte(`{"secret":"new"}`)}); !isKeptAway(err) {
		t.Errorf("err = %v", err)
	}
	i := h.open(Spec{Name: "test", Tenant: "other"})
	err := i.call(context.Background(), callOptions{tenant: "hostile", ends: true}, nothing)
	if err != nil {
		t.Errorf("a call that ends what is there: %v", err)
	}
	if got, err := ask(context.Background(), i, "other", "hello"); err != nil || got != "echo: hello" {
		t.Errorf("another tenant: %q, %v", got, err)
	}
}

// TestAttribution_pausesGrow checks that the time for which a tenant is refused doubles up
// to maxBlamePause, and that its crashes are forgotten after blameMemory.
func TestAttribution_pausesGrow(t *testing.T) {
	const pause = 50 * time.Millisecond
	h := newHost(t, hostOptions{timing: func(tm *timing) {
		tm.blamePause, tm.maxBlamePause, tm.blameMemory = pause, 4*pause, time.Minute
	}}, "test")
	i := h.open(Spec{Name: "test", Tenant: "hostile"})
	b := i.sup.attribution
	var pauses []time.Duration
	if _, err := ask(context.Background(), i, "hostile", "crash"); err == nil || isKeptAway(err) {
		t.Errorf("err = %v", err)
	}
	b.mu.Lock()
	for n := range bounds.BlamedCrashes + 4 {
		now := time.Now()
		if b.attributeLocked("hostile", "it fell", now); n >= bounds.BlamedCrashes-1 {
			pauses = append(pauses, b.tenants["hostile"].refused.Sub(now))
		} else if b.tenants["hostile"].pauses != 0 {
			t.Errorf("refused after %d ends", n+1)
		}
	}
	b.mu.Unlock()
	if _, err := ask(context.Background(), i, "hostile", "hello"); !isKeptAway(err) {
		t.Errorf("err = %v", err)
	}
	eventually(t, 10*time.Second, "it may call again", func() bool {
		got, err := ask(context.Background(), i, "hostile", "hello")
		return err == nil && got == "echo: hello"
	})
	if want := []time.Duration{pause, 2 * pause, 4 * pause, 4 * pause, 4 * pause}; !slices.Equal(pauses, want) {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
	if st := h.row("test"); st.State == Quarantined || st.Restarts > 1 {
		t.Errorf("status = %+v", st)
	}
	b.mu.Lock()
	b.tenants["hostile"].last, b.tenants["hostile"].refused = time.Now().Add(-time.Hour), time.Time{}
	b.sweepLocked(time.Now())
	left, cells := len(b.tenants), len(b.cells)
	b.mu.Unlock()
	if left != 0 || cells != 0 || b.watched.Load() != 0 {
		t.Errorf("left: %d tenants, %d cells", left, cells)
	}
	eventually(t, 20*time.Second, "the cell has ended", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.leaving == 0
	})
}

// TestAttribution_leavesThePluginItsOwnFaults checks that no tenant is blamed if the plugin
// crashes without a call, or if the calls of each tenant crash it.
func TestAttribution_leavesThePluginItsOwnFaults(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		h := newHost(t, hostOptions{timing: func(tm *timing) { tm.quarantineAfter = 3 }}, "test=crashlater")
		h.open(Spec{Name: "test", Tenant: "a"})
		eventually(t, 60*time.Second, "quarantine", func() bool {
			i, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Tenant: "a", Config: []byte(`{}`)})
			if err == nil {
				i.Close()
			}
			return h.row("test").State == Quarantined
		})
		if st := h.row("test"); len(st.KeptAway) != 0 {
			t.Errorf("kept away: %+v", st.KeptAway)
		}
	})
	t.Run("everybody's calls", func(t *testing.T) {
		h := newHost(t, hostOptions{timing: func(tm *timing) { tm.quarantineAfter = 3 }}, "test=crashcall")
		for n := 0; h.row("test").State != Quarantined; n++ {
			if n > 50 {
				t.Fatalf("no quarantine: %+v", h.row("test"))
			}
			tenant := fmt.Sprint("tenant", n)
			if i, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Tenant: tenant, Config: []byte(`{}`)}); err == nil {
				_, _ = ask(context.Background(), i, tenant, "hello")
				i.Close()
			}
		}
	})
}

// TestAttribution_hungPlugin checks that a tenant is refused whose calls make the plugin
// hang. Tenants that called the plugin while it hung must not be refused.
func TestAttribution_hungPlugin(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) {
		tm.probeEvery, tm.probeDeadline, tm.probeAgain = 50*time.Millisecond, time.Second, 10*time.Millisecond
	}}, "test")
	busy := h.innocents(2, "test", "sleep 2ms")
	hostile := h.open(Spec{Name: "test", Tenant: "hostile"})
	for n := 0; ; n++ {
		_, err := ask(context.Background(), hostile, "hostile", "stop")
		if isKeptAway(err) {
			break
		}
		if n > 1+3+bounds.BlamedCrashes {
			t.Fatalf("not kept away after %d times: %v", n, err)
		}
	}
	busy.end()
	for k := range busy.refused {
		if busy.refused[k].Load() > 0 {
			t.Errorf("innocent%d was refused", k)
		}
	}
}

// TestAttribution_findsTwoAmongMany checks that two tenants that crash the plugin in turn
// are both refused, while twenty other tenants make calls.
//
// beyond: processes for suspects
func TestAttribution_findsTwoAmongMany(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	busy := h.innocents(20, "test", "sleep 20ms")
	hostile := []*Instance{h.open(Spec{Name: "test", Tenant: "hostile0"}), h.open(Spec{Name: "test", Tenant: "hostile1"})}
	away, ends := [2]bool{}, 0
	end := time.Now().Add(time.Minute)
	for n := 0; !away[0] || !away[1]; n++ {
		if ends > 2*(1+8+bounds.BlamedCrashes) || time.Now().After(end) {
			t.Fatalf("after %d ends, kept away: %v", ends, away)
		}
		k := n % 2
		_, err := ask(context.Background(), hostile[k], fmt.Sprint("hostile", k), "crash")
		away[k] = away[k] || isKeptAway(err)
		switch {
		case isKeptAway(err):
		case fault.Is(err, fault.ProviderFailed): // the circuit of the tenant is open for some seconds
			time.Sleep(50 * time.Millisecond)
		default:
			ends++
		}
	}
	busy.end()
	for k := range busy.refused {
		if busy.refused[k].Load() > 0 {
			t.Errorf("innocent%d was refused", k)
		}
	}
	if st := h.row("test"); st.State == Quarantined || len(st.Cells) > bounds.PluginCells {
		t.Errorf("status = %+v", st)
	}
	t.Logf("the plugin ended %d times, %d of them in the process of all", ends, h.row("test").Restarts)
}

// TestAttribution_bounded checks that attribution keeps at most bounds.SuspectedTenants
// records, and that it does not delete the record of a refused tenant.
//
// beyond: tenants remembered for crashes
func TestAttribution_bounded(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	b := h.open(Spec{Name: "test", Tenant: "a"}).sup.attribution
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	refused := b.noteLocked("refused", now.Add(-time.Minute))
	refused.refused = now.Add(time.Minute)
	for n := range 3 * bounds.SuspectedTenants {
		b.noteLocked(fmt.Sprint(n), now)
	}
	if len(b.tenants) != bounds.SuspectedTenants || b.tenants["refused"] == nil {
		t.Errorf("%d tenants are remembered", len(b.tenants))
	}
	clear(b.tenants)
	b.watched.Store(0)
}
