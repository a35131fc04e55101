package registry

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// noStorage is a storage that refuses each Begin. The Admission has counted the turn before.
type noStorage struct{ storage.Storage }

func (noStorage) Begin(context.Context, *storage.BeginRequest) (*storage.BeginResult, error) {
	return nil, fault.New(fault.Forbidden, "nothing is kept here")
}

// openLimited returns a Registry whose tenants may begin one turn in a minute.
func openLimited(t *testing.T) *Registry {
	t.Helper()
	r, err := New(Options{
		TTL: time.Minute, Size: 10,
		Check: func(_ context.Context, id string, docs config.Documents, _ Trial) (*config.Effective, error) {
			return &config.Effective{Tenant: id, Revision: fmt.Sprint(docs.Operator.Values()["v"])}, nil
		},
		Build: func(_ context.Context, req BuildRequest) (Built, error) {
			return Built{Bot: bot.New(bot.Parts{
				Tenant: req.Effective.Tenant, Memory: noMemory{}, Storage: noStorage{}, Admission: req.Admission,
				Limits: config.Limits{TurnsPerMinute: 1, ConcurrentTurns: 1, MessageBytes: 100, TurnTimeout: time.Minute},
			})}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// begins reports whether a turn of the tenant was admitted and reached the storage.
func begins(t *testing.T, r *Registry, id string) bool {
	t.Helper()
	l := acquire(t, r, id)
	defer l.Release()
	_, err := l.Chat(t.Context(), bot.Request{ConversationID: "c", Message: "hi"}, nil)
	if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.RateLimited) {
		t.Fatal(err)
	}
	return fault.Is(err, fault.Forbidden)
}

// TestAdmissions_tenantComesBack checks that a tenant that was removed and put again within a
// minute may not begin another turn in this minute.
func TestAdmissions_tenantComesBack(t *testing.T) {
	file := PutOptions{Source: "a.hcl"}
	for name, back := range map[string]func(t *testing.T, r *Registry){
		"a changed file": func(t *testing.T, r *Registry) { putWith(t, r, "a", 2, file) },
		"a file that was away": func(t *testing.T, r *Registry) {
			r.DropFile("a", "a.hcl")
			putWith(t, r, "a", 1, file)
		},
		"a file in another folder": func(t *testing.T, r *Registry) {
			r.DropFile("a", "a.hcl")
			putWith(t, r, "a", 1, PutOptions{Source: "other/a.yaml"})
		},
		"a file that came back wrong": func(t *testing.T, r *Registry) {
			r.DropFile("a", "a.hcl")
			r.RefuseFile("a", "a.hcl", config.Problems{{Message: "wrong"}})
			putWith(t, r, "a", 1, file)
		},
		"a registered one after a file": func(t *testing.T, r *Registry) {
			r.DropFile("a", "a.hcl")
			putWith(t, r, "a", 1, PutOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := openLimited(t)
			putWith(t, r, "a", 1, file)
			if !begins(t, r, "a") {
				t.Fatal("the first turn is refused")
			}
			back(t, r)
			if begins(t, r, "a") {
				t.Error("a second turn begins within the minute")
			}
			putWith(t, r, "b", 1, PutOptions{})
			if !begins(t, r, "b") {
				t.Error("another tenant has its turn")
			}
		})
	}
}

func putWith(t *testing.T, r *Registry, id string, v any, o PutOptions) {
	t.Helper()
	if _, err := r.Put(t.Context(), id, doc("v", v), o); err != nil {
		t.Fatal(err)
	}
}

// TestAdmissions_bounded checks that the number of stored Admissions does not grow with the
// number of removed tenants.
func TestAdmissions_bounded(t *testing.T) {
	r := openLimited(t)
	for i := range 3 * admissionsKept {
		id := fmt.Sprint("t", i)
		putWith(t, r, id, 1, PutOptions{})
		r.DropFile(id, SourceAPI)
	}
	if n := len(r.admissions.gone); n != 0 {
		t.Errorf("%d admissions are kept of tenants that had no turn", n)
	}
	var g admissions
	for i := range 3 * admissionsKept {
		g.keep(fmt.Sprint("t", i), busyAdmission(t))
		if i%2 == 0 { // make every second Admission idle
			g.gone[fmt.Sprint("t", i)] = &bot.Admission{}
		}
	}
	if n := len(g.gone); n > 2*admissionsKept+admissionsKept/2 {
		t.Errorf("%d of %d are kept; half of them know nothing", n, 3*admissionsKept)
	}
	g.sweep()
	if n := len(g.gone); n != 3*admissionsKept/2 {
		t.Errorf("%d are left after a sweep", n)
	}
}

// busyAdmission returns an Admission that is not idle, because it has counted a turn in this
// minute.
func busyAdmission(t *testing.T) *bot.Admission {
	t.Helper()
	admission := &bot.Admission{}
	b := bot.New(bot.Parts{Tenant: "a", Memory: noMemory{}, Storage: noStorage{}, Admission: admission,
		Limits: config.Limits{TurnsPerMinute: 1, ConcurrentTurns: 1, MessageBytes: 100, TurnTimeout: time.Minute}})
	_, _ = b.Chat(t.Context(), bot.Request{ConversationID: "c", Message: "hi"}, nil)
	return admission
}
