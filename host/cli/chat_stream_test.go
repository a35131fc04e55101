package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestReadEvents(t *testing.T) {
	var got strings.Builder
	err := readEvents(strings.NewReader(": hello\n\nevent: a\ndata: 1\n\n: keepalive\n\nevent:b\ndata:2\nid: 7\n\nevent: cut"), func(name string, data []byte) error {
		fmt.Fprintf(&got, "%s=%s;", name, data)
		return nil
	})
	if err != nil || got.String() != "a=1;b=2;" {
		t.Errorf("%s, %v", got.String(), err)
	}
}

// TestClient_chatEnds checks that chat returns a reply only if the stream has the event "done",
// with which the host says that it has stored the turn.
func TestClient_chatEnds(t *testing.T) {
	for body, want := range map[string]string{
		"event: delta\ndata: {\"text\":\"a\"}\n\n":                                                    "the reply broke off",
		"event: delta\ndata: {\"text\":\"a\"}\n\nevent: error\ndata: {\"detail\":\"gone\"}\n\n":       "gone",
		"event: delta\ndata: nonsense\n\n":                                                            "the reply broke off",
		"event: delta\ndata: {\"text\":\"a\"}\n\nevent: done\ndata: {\"turn\":1,\"reply\":\"a\"}\n\n": "",
	} {
		t.Run(strconv.Quote(body), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
			c, err := newClient(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			reply, err := c.chat(context.Background(), "a", chatRequest{}, func(string) {})
			server.Close()
			switch {
			case want == "" && (err != nil || reply.Turn != 1):
				t.Errorf("%q: %+v, %v", body, reply, err)
			case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
				t.Errorf("%q: %+v, %v", body, reply, err)
			}
		})
	}
}

// TestClient_otherServer checks that call returns an error if the server is not a botyard host.
func TestClient_otherServer(t *testing.T) {
	for _, status := range []int{200, 302, 404, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				fmt.Fprint(w, "<html>")
			}))
			c, err := newClient(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			var out map[string]any
			if _, err := c.call(context.Background(), "GET", "/", nil, nil, &out); err == nil {
				t.Errorf("%d: no error", status)
			}
			server.Close()
		})
	}
}

func TestPathOf(t *testing.T) {
	for pointer, want := range map[string]string{"": "", "/a/b": "a.b", "/a~1b/c~0d": "a/b.c~d", "/llm/gpt-4.1": `llm."gpt-4.1"`} {
		t.Run(strconv.Quote(pointer), func(t *testing.T) {
			if got := pathOf(pointer); got.String() != want {
				t.Errorf("%q: %v, want %s", pointer, got, want)
			}
		})
	}
}
