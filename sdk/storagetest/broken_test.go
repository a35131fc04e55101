package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// flaws are what a storage may get wrong, and the one rule that must see it.
var flaws = []struct{ flaw, rule string }{
	{"busy-leaves-turns", "turn"},
	{"no-attempts", "begin-repeat"},
	{"repeats-conflict", "commit-repeat"},
	{"last-wins", "commit-repeat"},
	{"fence-anywhere", "fences"},
	{"whole-turns", "tail"},
	{"failed-in-tail", "failed-apart"},
	{"hides-begun", "begun"},
	{"races", "writers"},
	{"tenants-share-keys", "tenants-apart"},
	{"slow-growth", "long-conversation"},
	{"no-reason", "dead-holder"},
	{"stale-fence", "stale-fence"},
	{"strict-lease", "slow-holder"},
	{"no-renewal", "renew"},
	{"renews-all", "renew"},
	{"busy-before-replay", "key-replay"},
	{"no-same-key", "key-running"},
	{"replays-failures", "key-retry"},
	{"forgets-failed-keys", "key-reused"},
	{"conversations-share-keys", "key-scope"},
	{"always-more", "read-paging"},
	{"gaps-while-growing", "read-growing"},
	{"missing-is-empty", "read-missing"},
	{"any-case", "list"},
	{"user-prefix", "list-user"},
	{"list-skips", "list-growing"},
	{"delete-not-found", "delete-conversation"},
	{"deletes-guests", "delete-user"},
	{"eager-delete", "delete-tenant"},
	{"lifeless-fence", "late-write"},
	{"keys-outlive", "reused-id"},
	{"one-life", "tenant-lives"},
	{"trims-text", "text"},
	{"trimmed-ids", "text"},
	{"drops-nul", "nul"},
	{"short-text", "large"},
	{"drops-signatures", "parts"},
	{"drops-cached", "record"},
	{"any-limit", "bounds"},
	{"forgetful", "restart"},
}

// run checks all rules, and those that take long only if they are asked for.
func run(t *testing.T, flaw, rule string) []string {
	t.Helper()
	ref := newReference(flaw)
	open := func(context.Context) (storage.Storage, error) {
		again := newReference(flaw)
		if flaw != "forgetful" {
			again.data, again.lives = ref.data, 1000*ref.lives
			ref = again
		}
		return again, nil
	}
	var only []string
	for _, r := range Rules() {
		if long := r.Slow || r.Name == "large"; !long || r.Name == rule {
			only = append(only, r.Name)
		}
	}
	err := Test(t.Context(), open, Only(only...), Durable(), Lease(60*time.Millisecond))
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

func TestReferenceIsRight(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"long-conversation", "large"} {
		if wrong := run(t, "", rule); wrong != nil {
			t.Errorf("rules that fail: %q", wrong)
		}
	}
}

func TestEachRuleCanFail(t *testing.T) {
	for _, f := range flaws {
		t.Run(f.flaw, func(t *testing.T) {
			t.Parallel()
			if wrong := run(t, f.flaw, f.rule); !slices.Equal(wrong, []string{f.rule}) {
				t.Errorf("rules that fail: %q; want only %q", wrong, f.rule)
			}
		})
	}
	for _, r := range Rules() {
		if !slices.ContainsFunc(flaws, func(f struct{ flaw, rule string }) bool { return f.rule == r.Name }) {
			t.Errorf("nothing shows that the rule %q can fail", r.Name)
		}
	}
}

func TestRulesAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.Name] || r.Check == nil || !strings.HasSuffix(r.Doc, ".") && !strings.HasSuffix(r.Doc, ")") {
			t.Errorf("rule %q: twice, or no check, or no sentence: %q", r.Name, r.Doc)
		}
		seen[r.Name] = true
	}
}

type panicking struct{ storage.Storage }

func TestPanicIsAFailure(t *testing.T) {
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

func TestWhatKeepsFromChecking(t *testing.T) {
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
	want := []string{"turn true false", "begin-repeat false false", "long-conversation false true", "restart false true"}
	if !slices.Equal(got, want) {
		t.Errorf("reported %q; want %q", got, want)
	}
}
