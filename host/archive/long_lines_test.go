package archive

import (
	"bufio"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// slowLine is a reader of a line without end. Its first bytes come at once. After these it returns
// some bytes each second.
type slowLine struct {
	fast     int // bytes that still come at once
	each     int // bytes of a second after these
	deadline time.Time
}

// Read implements io.Reader.
func (s *slowLine) Read(p []byte) (int, error) {
	if s.fast > 0 {
		p = p[:min(len(p), s.fast)]
		s.fast -= len(p)
	} else {
		if !s.deadline.IsZero() && time.Until(s.deadline) < time.Second {
			time.Sleep(time.Until(s.deadline))
			return 0, os.ErrDeadlineExceeded
		}
		time.Sleep(time.Second)
		p = p[:min(len(p), s.each)]
	}
	copy(p, strings.Repeat("{", len(p)))
	return len(p), nil
}

// SetDeadline implements Deadliner.
func (s *slowLine) SetDeadline(t time.Time) { s.deadline = t }

// TestLineReader_slowLongLine checks that a long line that comes slowly gives its place to other
// imports, and that a line at the slowest allowed rate is read up to its maximum size.
//
// beyond: slow line of an import
func TestLineReader_slowLongLine(t *testing.T) {
	for name, c := range map[string]struct {
		each int
		want string
		took time.Duration // at most
	}{
		"in drips":            {1, "comes too slowly", bounds.Stall + 3*time.Second},
		"at the slowest rate": {bounds.SlowestRate, "has more than", MaxLine / bounds.SlowestRate * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const buffer = 64 << 10
				in := &slowLine{fast: bounds.ImportLine + buffer, each: c.each}
				held := 0
				r := lineReader{in: bufio.NewReaderSize(in, buffer), setDeadline: in.SetDeadline}
				r.reserve = func() (func(), error) { held++; return func() { held-- }, nil }
				begun := time.Now()
				_, err := r.next()
				if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v; want %q", err, c.want)
				}
				if took := time.Since(begun); took > c.took {
					t.Errorf("the line held its place for %s", took)
				}
				if r.free(); held != 0 || !in.deadline.IsZero() {
					t.Errorf("%d places are held, until %s", held, in.deadline)
				}
			})
		})
	}
}
