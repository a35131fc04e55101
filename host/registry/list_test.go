package registry

import (
	"context"
	"fmt"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
)

// beyond: judged of a page
//
// TestRegistry_List_endsPagesByWhatIsJudged checks that a page of List or History ends early if
// its settings have bounds.PageValues values that had to be checked.
func TestRegistry_List_endsPagesByWhatIsJudged(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	here, there := openTestHost(t, shared), openTestHost(t, shared)
	large := map[string]any{"v": 1}
	for i := range bounds.PageValues * 2 / 3 {
		large[fmt.Sprintf("k%d", i)] = i
	}
	const tenants = 5 // two large tenants fill a page
	for i := range tenants {
		put(t, here.Registry, fmt.Sprintf("t%d", i), 1)
	}
	check := there.o.Check
	judged := 0
	there.o.Check = func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error) {
		judged++
		return check(ctx, id, docs, trial)
	}
	all, more, err := there.List(t.Context(), "", 100)
	if err != nil || more || len(all) != tenants || judged != tenants {
		t.Fatalf("of small tenants: %d on a page, more %v, judged %d, %v", len(all), more, judged, err)
	}
	for i := range tenants {
		if _, err := here.Put(t.Context(), fmt.Sprintf("t%d", i), config.FromMap("large", large), PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	judged = 0
	var sizes []int
	for after := ""; ; {
		page, more, err := there.List(t.Context(), after, 100)
		if err != nil || len(page) == 0 {
			t.Fatal(page, err)
		}
		if sizes = append(sizes, len(page)); !more {
			break
		}
		after = page[len(page)-1].ID
	}
	if fmt.Sprint(sizes) != "[2 2 1]" || judged != tenants {
		t.Errorf("pages of %v, judged %d", sizes, judged)
	}
	for i := range tenants {
		acquire(t, here.Registry, fmt.Sprintf("t%d", i)).Release()
	}
	if page, _, err := here.List(t.Context(), "", 100); err != nil || len(page) <= sizes[0] {
		t.Errorf("where they are loaded: %d on a page, %v", len(page), err)
	}

	for range tenants - 1 {
		large["v"] = large["v"].(int) + 1
		if _, err := here.Put(t.Context(), "t0", config.FromMap("large", large), PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	versions, more, err := there.History(t.Context(), "t0", 0, 100)
	if err != nil || !more || len(versions) != 2 {
		t.Errorf("%d versions on a page, more %v, %v", len(versions), more, err)
	}
}
