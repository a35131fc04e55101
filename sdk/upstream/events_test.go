package upstream

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// events returns the events of a response as NAME=DATA, and the error that follows them.
func events(t *testing.T, handle http.HandlerFunc) (got []string, last error) {
	t.Helper()
	r, err := get(t, serve(t, handle, nil))
	if err != nil {
		t.Fatal(err)
	}
	all := r.Events()
	for {
		e, err := all.Next()
		if err != nil {
			return got, err
		}
		got = append(got, e.Name+"="+string(e.Data))
	}
}

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"events":                {"data: a\n\ndata: b\n\n", []string{"=a", "=b"}},
		"names":                 {"event: x\ndata: a\n\ndata: b\n\n", []string{"x=a", "=b"}},
		"a name without data":   {"event: x\n\ndata: b\n\n", []string{"=b"}},
		"comments":              {": hello\n\n:\n\ndata: a\n: in it\n\n: after\n\n", []string{"=a"}},
		"several lines":         {"data: a\ndata: b\ndata\n\n", []string{"=a\nb\n"}},
		"no blank":              {"data:a\n\ndata:  b\n\n", []string{"=a", "= b"}},
		"CR and LF":             {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"=a", "=b"}},
		"CR":                    {"data: a\r\rdata: b\r\r", []string{"=a", "=b"}},
		"byte order mark":       {"\xEF\xBB\xBFdata: a\n\n", []string{"=a"}},
		"no end of the last":    {"data: a\n\ndata: b", []string{"=a", "=b"}},
		"no end of its event":   {"data: a\n\ndata: b\n", []string{"=a", "=b"}},
		"other fields":          {"id: 7\nretry: 100\nfoo: bar\ndata: a\n\nid: 8\n\n", []string{"=a"}},
		"a line beyond a read":  {"data: " + strings.Repeat("x", 50_000) + "\n\ndata: b\n\n", []string{"=" + strings.Repeat("x", 50_000), "=b"}},
		"nothing":               {"", nil},
		"many lines of nothing": {strings.Repeat("\n", 100_000) + "data: a\n\n", []string{"=a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for how, write := range map[string]func(w http.ResponseWriter){
				"whole": func(w http.ResponseWriter) { _, _ = io.WriteString(w, c.stream) },
				"in pieces": func(w http.ResponseWriter) {
					for piece := range slices.Chunk([]byte(c.stream), max(1, len(c.stream)/40)) {
						_, _ = w.Write(piece)
						w.(http.Flusher).Flush()
					}
				},
				"gzip": func(w http.ResponseWriter) {
					w.Header().Set("Content-Encoding", "gzip")
					zip := gzip.NewWriter(w)
					_, _ = io.WriteString(zip, c.stream)
					_ = zip.Close()
				},
			} {
				got, err := events(t, func(w http.ResponseWriter, _ *http.Request) { write(w) })
				if !slices.Equal(got, c.want) || !errors.Is(err, io.EOF) {
					t.Errorf("%s: %.200q, %v; want %.200q", how, got, err, c.want)
				}
			}
		})
	}
}

// TestEvents_gzipArrives checks that a compressed event arrives before the server sends the next one.
func TestEvents_gzipArrives(t *testing.T) {
	next := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		for range 3 {
			_, _ = io.WriteString(zip, "data: a\n\n")
			_ = zip.Flush()
			w.(http.Flusher).Flush()
			<-next
		}
		_ = zip.Close()
	}, nil)
	r, err := get(t, c)
	if err != nil {
		t.Fatal(err)
	}
	all := r.Events()
	for range 3 {
		if e, err := all.Next(); err != nil || string(e.Data) != "a" {
			t.Fatalf("%q, %v", e.Data, err)
		}
		next <- struct{}{}
	}
	if _, err := all.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestEvents_bounds checks that a stream without end becomes an error, and that its bytes do not count
// against the budget of the process afterwards.
func TestEvents_bounds(t *testing.T) {
	for name, c := range map[string]struct{ first, again, want string }{
		"a line":            {"data: ", "x", "an event of more than"},
		"a comment":         {": ", "x", "an event of more than"},
		"lines of an event": {"", "data: xxxx\n", "an event of more than"},
		"blank lines":       {"", "\n", "no event in them"},
		"comments":          {"", ": hello\n\n", "no event in them"},
		"names":             {"", "event: hello\n", "no event in them"},
		"comments in data":  {"data: a\n", ": hello\n", "no event in them"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := events(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, c.first)
				piece := strings.Repeat(c.again, 64<<10/len(c.again))
				for range 3 * sdk.MaxUpstreamLineBytes / len(piece) {
					if _, err := io.WriteString(w, piece); err != nil {
						return
					}
				}
			})
			if f := fault.Of(err); len(got) != 0 || f.Class != fault.ProviderFailed || !strings.Contains(f.Message, c.want) {
				t.Errorf("%.100q, %v", got, err)
			}
		})
	}
}

func TestEvents_broken(t *testing.T) {
	got, err := events(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: a\n\ndata: b")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if !slices.Equal(got, []string{"=a"}) || !fault.Is(err, fault.ProviderFailed) || errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestResponse_ReadAll(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, strings.Repeat("x", 1000)) }, nil)
	for most, ok := range map[int64]bool{1000: true, 999: false} {
		r, err := get(t, c)
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.ReadAll(most)
		if ok && (err != nil || len(text) != 1000) || !ok && !fault.Is(err, fault.ProviderFailed) {
			t.Errorf("at most %d: %d bytes, %v", most, len(text), err)
		}
	}
}
