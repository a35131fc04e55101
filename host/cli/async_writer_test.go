package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func sayMissing(lines int) []byte { return fmt.Appendf(nil, "%d missing\n", lines) }

// TestAsyncWriter_pipeThatNobodyReads checks that Write does not wait while a pipe has no
// reader. A later reader must find the first lines, the number of the dropped lines, and the
// lines after them.
func TestAsyncWriter_pipeThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := newAsyncWriter(w, sayMissing)
	line := strings.Repeat("x", 999) + "\n"
	const lines = 3000 // 3 MB, while the buffer of a pipe has 64 KiB
	for range lines {
		if n, err := o.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	o.close(0) // close with the timeout 0 does not wait for the reader
	var got bytes.Buffer
	read := make(chan error, 1)
	go func() { _, err := got.ReadFrom(r); read <- err }()
	<-o.drained
	_ = w.Close()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	whole, missing := strings.Count(got.String(), line), 0
	for told := range strings.Lines(strings.ReplaceAll(got.String(), line, "")) {
		n := 0
		if _, err := fmt.Sscanf(told, "%d missing\n", &n); err != nil {
			t.Errorf("%q: %v", told, err)
		}
		missing += n
	}
	if whole+missing != lines || whole < 1000 || missing < 1000 {
		t.Errorf("%d lines are there and %d are missing, of %d", whole, missing, lines)
	}
}

// disk is a stream that returns an error when room bytes are written.
type disk struct {
	mu   sync.Mutex
	room int
	got  bytes.Buffer
}

func (d *disk) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(d.room, len(b))
	d.got.Write(b[:n])
	d.room -= n
	if n < len(b) {
		return n, errors.New("no space left")
	}
	return n, nil
}

func (d *disk) grow(room int) { d.mu.Lock(); d.room = room; d.mu.Unlock() }

// TestAsyncWriter_fullDisk checks that a line of which only a part was written ends before the
// next line begins, and that the number of dropped lines is reported at their place.
func TestAsyncWriter_fullDisk(t *testing.T) {
	d := &disk{room: 12}
	o := newAsyncWriter(d, sayMissing)
	for _, text := range []string{"one two\n", "three four\n", "five\nsix\n"} {
		_, _ = o.Write([]byte(text))
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		full := d.room == 0
		d.mu.Unlock()
		o.mu.Lock()
		idle := len(o.waiting) == 0
		o.mu.Unlock()
		if full && idle {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it stands still")
		}
	}
	d.grow(1000)
	_, _ = o.Write([]byte("seven\n"))
	o.close(time.Minute)
	// It depends on the goroutine's timing whether "five" and "six" were dropped before the
	// disk grew.
	if got, want := d.got.String(), "one two\nthre\n3 missing\nseven\n"; got != want && got != "one two\nthre\n1 missing\nfive\nsix\nseven\n" {
		t.Errorf("%q; want %q", got, want)
	}
	if n, err := o.Write([]byte("late\n")); n != 5 || err != nil {
		t.Error(n, err)
	}
}
