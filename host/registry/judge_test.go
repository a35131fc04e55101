package registry

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
)

// TestAssess_holdsOwnSettings checks that a change by the operator always counts. If the change
// contradicts the own settings, the whole own settings are held.
func TestAssess_holdsOwnSettings(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	for name, s := range map[string]struct{ a, b *Registry }{
		"stored":    {openTestHost(t, shared).Registry, openTestHost(t, shared).Registry},
		"in memory": {(&builder{}).open(t, time.Minute, 10), nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.a
			id := "held"
			put(t, a, id, 1)
			putOwn(t, a, id, whenNot(int64(2), "own"))
			put(t, a, id, 2) // the own settings forbid v = 2
			got, err := a.Get(t.Context(), id)
			if err != nil || got.Revision != "2" || got.Held == nil || got.Err != nil || got.Documents.Own == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			if list, _, err := a.List(t.Context(), "", 10); err != nil || list[0].Held == nil {
				t.Errorf("%+v, %v", list, err)
			}
			if s.b != nil {
				if got, err := s.b.Get(t.Context(), id); err != nil || got.Revision != "2" || got.Held == nil {
					t.Errorf("on another host: %+v, %v", got, err)
				}
			}
			if _, err := a.Put(t.Context(), id, whenNot(int64(2), "again"), PutOptions{Author: tenantstore.Tenant}); err == nil {
				t.Error("the tenant can put what is refused")
			}
			put(t, a, id, 3)
			if got, _ := a.Get(t.Context(), id); got.Revision != "3+own" || got.Held != nil {
				t.Errorf("mended by the operator: %+v", got)
			}
			put(t, a, id, 2)
			putOwn(t, a, id, whenNot(int64(9), "mended"))
			if got, _ := a.Get(t.Context(), id); got.Revision != "2+mended" || got.Held != nil {
				t.Errorf("mended by the tenant: %+v", got)
			}
			// A reload with a stricter policy holds the own settings and reports that it does.
			stricter := func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error) {
				if docs.Own != nil {
					return nil, config.Problems{{Message: "policy"}}
				}
				return &config.Effective{Tenant: id, Revision: fmt.Sprint(docs.Operator.Values()["v"])}, nil
			}
			before := a.base().check
			for _, commit := range []func(){nil, func() {}} {
				changes, broken, err := reloadBy(t.Context(), a, stricter, commit)
				if err != nil || broken != 0 || len(changes) != 1 || changes[0].Held == nil || changes[0].From != "2+mended" || changes[0].To != "2" || changes[0].Err != nil {
					t.Errorf("%+v, %d, %v", changes, broken, err)
				}
			}
			if got, _ := a.Get(t.Context(), id); got.Revision != "2" || got.Held == nil {
				t.Errorf("under a stricter policy: %+v", got)
			}
			if changes, _, err := reloadBy(t.Context(), a, before, func() {}); err != nil || len(changes) != 1 || changes[0].To != "2+mended" {
				t.Errorf("%+v, %v", changes, err)
			}
			if got, _ := a.Get(t.Context(), id); got.Revision != "2+mended" {
				t.Errorf("the policy is as it was, and the tenant: %+v", got)
			}
			_, err = a.RemoveOwn(t.Context(), id, "")
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := a.Get(t.Context(), id); got.Revision != "2" || got.Documents.Own != nil {
				t.Errorf("%+v", got)
			}
		})
	}
}
