package storagetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// run checks all rules against the reference with the flaw, and returns the names of the rules that
// fail. It checks slow rules only if rules names them. The rules run in a synctest bubble with its
// own clock, so that no lease ends because the machine is slow.
func run(t *testing.T, flaw string, rules ...string) []string {
	t.Helper()
	kept, opened := newData(), false
	open := func(context.Context) (storage.Storage, error) {
		switch {
		case opened && flaw == "forgetful":
			kept = newData()
		case opened && flaw == "forgets-tenants":
			kept.roll = newData().roll
		case opened && flaw == "forgets-unswept":
			kept.deleted = nil
		}
		opened = true
		return &reference{flaw, kept}, nil
	}
	peer := func(context.Context) (storage.Storage, error) { return &reference{flaw, kept}, nil }
	named := func(name string) bool { return slices.Contains(rules, name) || slices.Contains(rules, name+"?") }
	var only []string
	for _, r := range Rules() {
		// All rules on each flaw take minutes. Therefore -short leaves out those that must pass.
		if testing.Short() && len(rules) > 0 && !named(r.Name) {
			continue
		}
		if long := r.Slow || r.Name == "large"; !long || slices.Contains(rules, r.Name) {
			only = append(only, r.Name)
		}
	}
	opts := []Option{Only(only...), Durable(), Peers(peer, peer), Features(feature.Retract), Lease(60 * time.Millisecond)}
	if !slices.Contains(rules, "long-conversation") {
		opts = append(opts, Short())
	}
	var err error
	synctest.Test(t, func(t *testing.T) {
		err = Test(t.Context(), open, opts...)
		time.Sleep(time.Hour) // a call that hung ends
	})
	return failed(t, err)
}

func failed(t *testing.T, err error) (rules []string) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		t.Log(err)
		var f *Failure
		if !errors.As(err, &f) {
			t.Fatalf("not a failure: %v", err)
		}
		rules = append(rules, f.Rule.Name)
	}
	return rules
}

func TestReference_passes(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"long-conversation", "large"} {
		if wrong := run(t, "", rule); wrong != nil {
			t.Errorf("rules that fail: %q", wrong)
		}
	}
}

func TestRules_canFail(t *testing.T) {
	var all sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, f := range flaws {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			t.Run(f.flaw, func(t *testing.T) {
				rules := strings.Fields(f.rules)
				wrong := run(t, f.flaw, rules...)
				rules = slices.DeleteFunc(rules, func(r string) bool {
					name, maybe := strings.CutSuffix(r, "?")
					if maybe {
						wrong = slices.DeleteFunc(wrong, func(w string) bool { return w == name })
					}
					return maybe
				})
				if !slices.Equal(wrong, rules) {
					t.Errorf("rules that fail: %q; want only %q", wrong, rules)
				}
			})
		})
	}
	all.Wait()
	for _, r := range Rules() {
		if !slices.ContainsFunc(flaws, func(f struct{ flaw, rules string }) bool { return slices.Contains(strings.Fields(f.rules), r.Name) }) {
			t.Errorf("nothing shows that the rule %q can fail", r.Name)
		}
	}
}

func TestRules_named(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.Name] || r.Check == nil || !strings.HasSuffix(r.Doc, ".") && !strings.HasSuffix(r.Doc, ")") {
			t.Errorf("rule %q: twice, or no check, or no sentence: %q", r.Name, r.Doc)
		}
		seen[r.Name] = true
	}
}

type panicking struct{ storage.Storage }

func TestTest_panicIsAFailure(t *testing.T) {
	open := func(context.Context) (storage.Storage, error) { return panicking{newReference("")}, nil }
	err := Test(t.Context(), open, Only("turn"))
	if err != nil {
		t.Errorf("a sound storage behind a wrapper: %v", err)
	}
	open = func(context.Context) (storage.Storage, error) { return panicking{}, nil }
	if err := Test(t.Context(), open, Only("bounds")); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a storage that panics: %v", err)
	}
}

func TestTest_cannotCheck(t *testing.T) {
	down := errors.New("the database is down")
	open := func(context.Context) (storage.Storage, error) { return nil, down }
	if err := Test(t.Context(), open); !errors.Is(err, down) {
		t.Errorf("open fails: %v", err)
	}
	if err := Test(t.Context(), open, Only("no-such-rule")); err == nil || errors.Is(err, down) {
		t.Errorf("an unknown rule: %v", err)
	}
}

func TestReport(t *testing.T) {
	open := func(context.Context) (storage.Storage, error) { return newReference("no-attempts"), nil }
	var got []string
	err := Test(t.Context(), open, Only("turn", "begin-repeat", "long-conversation", "restart"), Short(),
		Report(func(r Rule, _ time.Duration, err error) {
			got = append(got, fmt.Sprintf("%s %t %t", r.Name, err == nil, errors.Is(err, ErrSkip)))
		}))
	if !slices.Equal(failed(t, err), []string{"begin-repeat"}) {
		t.Errorf("error %v", err)
	}
	want := []string{"turn true false", "begin-repeat false false", "long-conversation true false", "restart false true"}
	if !slices.Equal(got, want) {
		t.Errorf("reported %q; want %q", got, want)
	}
}
