package archive

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// TestReserveLongLine checks that imports with long lines wait while all places for long lines
// are taken, and that an import of short lines does not wait.
//
// beyond: line of an import
func TestReserveLongLine(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	for _, id := range []string{"a", "b", "c"} {
		s.register(id, id, "")
	}
	long := turnsOf("", strings.Replace(asked, `"x"`, `"`+strings.Repeat("x", bounds.ImportLine)+`"`, 1)+","+replied)
	share, err := s.longLines.Acquire(t.Context(), "", bounds.ImportLongLines)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, id := range []string{"a", "b"} {
		all.Go(func() {
			if done, err := s.imports(id, long); err != nil || done.Turns != 1 {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
	for s.longLines.Waiting() < 2 {
		time.Sleep(time.Millisecond)
	}
	if done, err := s.imports("c", turnsOf("", asked+","+replied)); err != nil || done.Turns != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	share.Release()
	all.Wait()
	if n := s.longLines.Held(); n != 0 {
		t.Errorf("%d are held at the end", n)
	}
	// An import refuses a line above MaxLine bytes, and releases the line's reservation.
	if _, err := s.imports("a", `{"type":"export","version":1,"tenant":"`+strings.Repeat("x", MaxLine)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "line 1: has more than") {
		t.Errorf("%v", err)
	}
	if n := s.longLines.Held(); n != 0 {
		t.Errorf("%d are held at the end", n)
	}
}
