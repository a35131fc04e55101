package upstream

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unsafe"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// TestKept checks that what is kept counts against the process beyond the event that it came with, until
// the response is closed, and that it is a copy.
func TestKept(t *testing.T) {
	const size = 1 << 20
	r, err := get(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", strings.Repeat("x", size))
		}
		_, _ = io.WriteString(w, "data: end\n\n")
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	all, kept := r.Events(), r.Kept()
	var appended strings.Builder
	for range 3 {
		e, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		whole := string(e.Data)
		text, none := whole[:size/2], ""
		if err := kept.Texts(&text, &none); err != nil {
			t.Fatal(err)
		}
		if len(text) != size/2 || none != "" || unsafe.StringData(text) == unsafe.StringData(whole) {
			t.Errorf("%d bytes are kept, which are no copy", len(text))
		}
		if err := kept.Append(&appended, whole[size/2:]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := all.Next(); err != nil {
		t.Fatal(err)
	}
	if used := budget.Upstreams.Used(); appended.Len() != 3*size/2 || used < 3*size-sdk.UpstreamFreeBytes || used > 4*size {
		t.Errorf("%d bytes count for %d that are kept", used, 3*size)
	}
	r.Close()
	if used := budget.Upstreams.Used(); used != 0 {
		t.Errorf("%d bytes count after the end", used)
	}
}

// TestKept_room checks that nothing is kept for which the process has no room.
//
// beyond: answers of an upstream
func TestKept_room(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "data: a\n\n") }, nil)
	r, err := get(t, c)
	if err != nil {
		t.Fatal(err)
	}
	kept, text := r.Kept(), "a"
	if err := kept.Count(sdk.MaxUpstreamInstanceBytes); err != nil {
		t.Fatal(err)
	}
	var to strings.Builder
	long := strings.Repeat("x", sdk.UpstreamFreeBytes+1)
	for _, err := range []error{kept.Texts(&long, &text), kept.Append(&to, long)} {
		if !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "the server at "+c.base.Host+" sends more than there is room for") {
			t.Error(err)
		}
	}
	if to.Len() != 0 {
		t.Errorf("%d bytes are kept", to.Len())
	}
	r.Close()
	if used := budget.Upstreams.Used(); used != 0 {
		t.Errorf("%d bytes count after the end", used)
	}
}

func TestBeginning(t *testing.T) {
	text := strings.Repeat("ab", 10)
	for most, want := range map[int]string{0: "", 3: "aba", 20: text, 30: text} {
		if got := Beginning(text, most); got != want || most > 0 && unsafe.StringData(got) == unsafe.StringData(text) {
			t.Errorf("%q of %d", got, most)
		}
	}
}
