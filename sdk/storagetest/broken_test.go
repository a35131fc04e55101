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

	"github.com/botyard/botyard/sdk/storage"
)

// flaws lists the broken storages of these tests. Each broken storage is the reference with one
// flaw. rules are the rules that must fail for the flaw. All other rules must pass. A rule with a
// question mark may fail or pass, because it depends on how the goroutines interleave.
var flaws = []struct{ flaw, rules string }{
	{"busy-leaves-turns", "turn linearizable delete-racing? purge-racing?"},
	{"no-attempts", "begin-repeat tail-bytes"},
	{"repeats-conflict", "commit-repeat import-goes-on"},
	{"last-wins", "commit-repeat"},
	{"fence-anywhere", "fences"},
	{"cuts-turns", "tail tail-bytes import-goes-on"},
	{"failed-in-tail", "failed-apart linearizable tail-bytes import-goes-on"},
	{"hides-begun", "begun"},
	{"races", "writers linearizable delete-racing? purge-racing?"},
	{"tenants-share-keys", "tenants-apart"},
	{"slow-growth", "long-conversation"},
	{"no-reason", "dead-holder"},
	{"stale-fence", "linearizable stale-fence empty-user"},
	{"strict-lease", "linearizable? slow-holder"},
	{"no-renewal", "renew delete-before"},
	{"renews-all", "renew delete-before"},
	{"renews-one", "renew"},
	{"any-renewal", "renew"},
	{"busy-before-replay", "key-replay"},
	{"no-same-key", "key-running"},
	{"replays-failures", "key-retry"},
	{"forgets-failed-keys", "key-reused"},
	{"conversations-share-keys", "key-scope"},
	{"empty-digest-forgets", "key-empty-digest"},
	{"always-more", "read-paging import import-goes-on"},
	{"gaps-while-growing", "read-growing"},
	{"missing-is-empty", "read-missing import-apart"},
	{"any-case", "list"},
	{"user-prefix", "list-user"},
	{"list-skips", "list-growing"},
	{"begins-anybodys", "owned owned-racing empty-user"},
	{"busy-before-owner", "owned owned-racing"},
	{"nobodys-is-anybodys", "owned empty-user"},
	{"owners-race", "owned-racing"},
	{"reads-anybodys", "owned"},
	{"deletes-anybodys", "owned"},
	{"lists-owners", "list-wrote"},
	{"never-shared", "list-wrote"},
	{"import-to-anybody", "import-owner"},
	{"deletes-shared", "empty-user empty-user-before"},
	{"keeps-turns", "empty-user empty-user-before"},
	{"keeps-metadata", "empty-user"},
	{"empties-numbers", "empty-user"},
	{"emptied-runs-on", "empty-user"},
	{"emptied-commit", "empty-user"},
	{"emptied-replay", "empty-user"},
	{"emptied-end-tail", "empty-user"},
	{"keeps-owner", "empty-user"},
	{"counts-no-emptied", "empty-user empty-user-before"},
	{"empties-new", "empty-user-before"},
	{"delete-not-found", "owned delete-conversation delete-before delete-steps delete-steps-reuse delete-racing?"},
	{"deletes-guests", "delete-user empty-user empty-user-before"},
	{"eager-delete", "delete-tenant"},
	{"fence-without-incarnation", "late-write"},
	{"keys-outlive", "reused-id delete-steps-reuse"},
	{"one-incarnation", "empty-user-before tenant-incarnations"},
	{"trims-text", "text"},
	{"trimmed-ids", "text"},
	{"drops-nul", "nul"},
	{"short-text", "large page-bytes"},
	{"drops-signatures", "parts"},
	{"parses-bodies", "unknown"},
	{"drops-usage-members", "unknown record"},
	{"any-limit", "bounds tenant-bounds"},
	{"tail-any-bytes", "tail-bytes"},
	{"tail-cut-untold", "tail-bytes"},
	{"tail-half-turns", "tail-bytes"},
	{"page-any-bytes", "page-bytes"},
	{"tenants-any-bytes", "tenant-page-bytes"},
	{"versions-any-bytes", "tenant-page-bytes"},
	{"stale-reads", "linearizable"},
	{"before-kills-running", "delete-before empty-user-before"},
	{"before-includes", "delete-before empty-user-before"},
	{"before-ends-incarnation", "delete-before"},
	{"steps-in-reach", "delete-steps"},
	{"steps-miscount", "delete-steps delete-steps-reuse delete-racing? restart-deletion"},
	{"steps-eat-fresh", "delete-steps-reuse delete-racing?"},
	{"import-drops-record", "unknown import"},
	{"import-is-new", "import"},
	{"import-once", "import-repeat"},
	{"import-gaps", "import-refused"},
	{"import-while-running", "import-refused"},
	{"import-keys-replay", "import-goes-on"},
	{"import-revives", "import-apart"},
	{"no-files", "tenant-versions"},
	{"put-races", "tenant-if-version"},
	{"if-version-ahead", "tenant-if-version"},
	{"no-put-repeats", "tenant-repeat restart-tenants"},
	{"put-repeats-old", "tenant-repeat"},
	{"invents-tenants", "tenant-get"},
	{"no-history", "tenant-get"},
	{"history-always-more", "tenant-history"},
	{"short-history", "tenant-kept"},
	{"endless-history", "tenant-kept-bytes"},
	{"forgets-nothing", "tenant-erase-history restart-tenants"},
	{"forget-restarts", "tenant-erase-history"},
	{"document-as-text", "tenant-document"},
	{"delete-unregisters", "tenant-deleted"},
	{"any-put", "tenant-bounds"},
	{"late-positions", "tenant-changes tenant-head"},
	{"changes-skip", "tenant-changes"},
	{"head-ahead", "tenant-head"},
	{"tenants-any-case", "tenant-list"},
	{"deaf", "watch"},
	{"deaf-to-others", "watch watch-busy watch-ends"},
	{"silent-start", "watch watch-busy watch-ends"},
	{"misses-while-busy", "watch-busy"},
	{"watch-swallows", "watch-ends"},
	{"watch-ends-well", "watch watch-busy watch-ends"},
	{"migrates-again", "migrate"},
	{"late-count", "delete-racing purge-racing?"},
	{"late-death", "purge-racing"},
	{"forgetful", "restart restart-tenants restart-deletion"},
	{"forgets-tenants", "restart-tenants"},
	{"forgets-unswept", "restart-deletion"},
}

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
	var only []string
	for _, r := range Rules() {
		if long := r.Slow || r.Name == "large"; !long || slices.Contains(rules, r.Name) {
			only = append(only, r.Name)
		}
	}
	opts := []Option{Only(only...), Durable(), Peers(peer, peer), Lease(60 * time.Millisecond)}
	if !slices.Contains(rules, "long-conversation") {
		opts = append(opts, Short())
	}
	var err error
	synctest.Test(t, func(t *testing.T) { err = Test(t.Context(), open, opts...) })
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
