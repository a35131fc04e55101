package hostile

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Replies are the names of the hostile replies of the Ollama server.
var Replies = []string{"endless", "thinking", "calls", "line", "drip", "silent", "html", "headers", "redirect", "cut"}

// pace is the pause between two writes of an endless reply. It keeps the server from using a whole
// processor.
const pace = 2 * time.Millisecond

// Ollama serves on the listener until the listener is closed. The first element of the request's path
// selects the reply from Replies, such as "endless" in /endless/api/chat.
func Ollama(l net.Listener) error {
	server := &http.Server{Handler: http.HandlerFunc(reply), ReadHeaderTimeout: time.Minute}
	return server.Serve(l)
}

func reply(w http.ResponseWriter, r *http.Request) {
	how, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	word := strings.Repeat("word ", 2000)
	line := func(message string) string {
		return `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant",` + message + `},"done":false}` + "\n"
	}
	switch how {
	case "silent":
		<-r.Context().Done()
	case "headers":
		hijacked(w, r, func(conn net.Conn, n int) (int, error) {
			if n == 0 {
				return fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
			}
			return fmt.Fprintf(conn, "X-H-%d: %s\r\n", n, word)
		})
	case "redirect":
		http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
	case "cut":
		hijacked(w, r, func(conn net.Conn, n int) (int, error) {
			if n > 0 {
				return 0, net.ErrClosed
			}
			return fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+line(`"content":"a"`)[:40])
		})
	case "html":
		endless(w, r, "text/html", "<p>"+word+"</p>", pace)
	case "drip":
		endless(w, r, "application/x-ndjson", " ", 50*time.Millisecond)
	case "line":
		endless(w, r, "application/x-ndjson", word, pace)
	case "thinking":
		endless(w, r, "application/x-ndjson", line(`"thinking":"`+word+`"`), pace)
	case "calls":
		endless(w, r, "application/x-ndjson", line(`"tool_calls":[{"function":{"name":"f","arguments":{"a":"`+word+`"}}}]`), pace)
	default:
		endless(w, r, "application/x-ndjson", line(`"content":"`+word+`"`), pace)
	}
}

// endless writes the text again and again, with the pause every between two writes, until the client
// closes the connection.
func endless(w http.ResponseWriter, r *http.Request, kind, text string, every time.Duration) {
	w.Header().Set("Content-Type", kind)
	rest := time.NewTicker(every)
	defer rest.Stop()
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(text)); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-rest.C:
		}
	}
}

// hijacked takes over the connection and calls write with n = 0, 1, 2 and so on until write returns an
// error.
func hijacked(w http.ResponseWriter, r *http.Request, write func(conn net.Conn, n int) (int, error)) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for n := 0; ; n++ {
		if _, err := write(conn, n); err != nil {
			return
		}
		time.Sleep(pace)
	}
}
