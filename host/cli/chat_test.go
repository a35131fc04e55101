package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestChatSession_interrupted checks a session in which the user interrupts a reply, asks
// again, and then ends the session with an interrupt.
func TestChatSession_interrupted(t *testing.T) {
	arrived, gone := make(chan bool, 1), make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, "event: delta\ndata: {\"text\":\"so\"}\n\n")
		if strings.Contains(string(body), "hang") {
			_ = http.NewResponseController(w).Flush()
			arrived <- true
			<-r.Context().Done()
			gone <- true
			return
		}
		fmt.Fprint(w, "event: done\ndata: {\"turn\":1,\"reply\":\"so\"}\n\n")
	}))
	defer server.Close()
	c, err := newClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := new(record), new(record)
	chatSession := &chatSession{client: c, tenant: "a", conversation: "c", out: out, errs: errs, prompts: true}
	in, typed := io.Pipe()
	defer typed.Close()
	interrupts := make(chan os.Signal, 1)
	ended := make(chan error, 1)
	go func() { ended <- chatSession.run(t.Context(), in, interrupts) }()

	fmt.Fprintln(typed, "hang")
	<-arrived
	out.wait(t, "so")
	interrupts <- os.Interrupt
	<-gone
	errs.wait(t, "given up")
	fmt.Fprintln(typed, "again")
	out.wait(t, "so\nso\n")
	errs.wait(t, "> botyard: given up; the turn is not part of the conversation\n> > ")
	interrupts <- os.Interrupt
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestNoteOf checks the remark about an incomplete or empty reply, for each finish reason. The
// remark does not change the printed reply or the exit status.
func TestNoteOf(t *testing.T) {
	for reason, want := range map[string]struct{ some, none string }{
		"stop":           {"", "the reply is empty; "},
		"length":         {"the reply was cut", "the reply is empty: it was cut"},
		"content_filter": {"the reply was ended by the provider's content filter", "the reply is empty: it was ended by"},
		"tool_calls":     {"the reply ends with calls", "the reply is empty: it ends with calls"},
		"unknown":        {"", "the reply is empty; "},
		"to come":        {"", "the reply is empty; "},
		"":               {"", "the reply is empty; "}, // hosts of earlier versions send no finish reason
	} {
		t.Run(strconv.Quote(reason), func(t *testing.T) {
			for text, note := range map[string]string{"so": want.some, "": want.none, " \n": want.none} {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if text != "" {
						fmt.Fprintf(w, "event: delta\ndata: {\"text\":%q}\n\n", text)
					}
					fmt.Fprintf(w, "event: done\ndata: {\"turn\":1,\"reply\":%q,\"finish_reason\":%q}\n\n", text, reason)
				}))
				c, err := newClient(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				for _, asJSON := range []bool{false, true} {
					var out, errs strings.Builder
					chatSession := &chatSession{client: c, tenant: "a", conversation: "c", out: &out, errs: &errs, json: asJSON}
					err := chatSession.run(t.Context(), strings.NewReader("hi\n"), nil)
					if told := errs.String(); err != nil || (note == "") != (told == "") || !strings.HasPrefix(told, strings.TrimSuffix("botyard: "+note, "botyard: ")) {
						t.Errorf("%s after %q: %v, %q; want %q", reason, text, err, told, note)
					}
					if got := out.String(); !asJSON && got != text+"\n" || asJSON && !strings.Contains(got, `"finish_reason":"`+reason+`"`) {
						t.Errorf("%s after %q: %q", reason, text, got)
					}
				}
				server.Close()
			}
		})
	}
}

// record is a writer that keeps what is written. Its method wait waits for a text.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) wait(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		got := r.text.String()
		r.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("never %q: %q", text, got)
		}
	}
}
