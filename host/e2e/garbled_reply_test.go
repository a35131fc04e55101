package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/botyard/botyard/pgtest"
)

// TestGarbledReply checks replies with invalid or unusual characters, with each storage. The stream, the
// complete reply, the replayed reply and the stored message must be equal.
func TestGarbledReply(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	provider := serveOllama(t)
	llm := fmt.Sprintf("llm {\n  provider = \"ollama\"\n  model = \"m\"\n  base_url = %q\n}\n", provider.url)
	host := start(t, "defaults {\n"+llm+"}\n", map[string]string{
		"memory.hcl":   "conversation_storage {\n  backend = \"memory\"\n}\n",
		"sqlite.hcl":   "conversation_storage {\n  backend = \"sqlite\"\n}\n",
		"postgres.hcl": fmt.Sprintf("conversation_storage {\n  backend = \"postgres\"\n  dsn = %q\n}\n", c.DSN(newDatabase(t, c))),
	})
	for i, garbled := range []struct {
		pieces []string
		want   string
	}{
		{[]string{`"a\u0000b"`}, "a\uFFFDb"},
		{[]string{`"\u0000"`, `"\u0000"`}, "\uFFFD\uFFFD"},
		{[]string{`"half \ud83d"`, `"\ude00 of it"`}, "half \uFFFD\uFFFD of it"},
		{[]string{"\"a\xff\xfeb\""}, "a\uFFFD\uFFFDb"},
		{[]string{`"\ufffe \uffff \u0001 \u007f \u2028"`}, "\uFFFE \uFFFF \u0001 \u007f \u2028"},
		{[]string{`" "`}, " "},
	} {
		provider.says(garbled.pieces...)
		for _, tenant := range []string{"memory", "sqlite", "postgres"} {
			what := fmt.Sprintf("%s, reply %d", tenant, i)
			a := host.mustChat(tenant, "c", "hello")
			if a.Reply != garbled.want || a.Turn != int64(2*i+1) {
				t.Errorf("%s: turn %d %q; want %q", what, a.Turn, a.Reply, garbled.want)
			}
			shown, done := "", answer{}
			const body = `{"conversation_id":"c","message":"again","stream":true}`
			if err := host.stream(tenant, body, func(e event) bool {
				var piece struct{ Text string }
				switch e.name {
				case "delta":
					if err := json.Unmarshal([]byte(e.data), &piece); err != nil {
						t.Error(err)
					}
					shown += piece.Text
				case "done":
					if err := json.Unmarshal([]byte(e.data), &done); err != nil {
						t.Error(err)
					}
				default:
					t.Errorf("%s: %s %s", what, e.name, e.data)
				}
				return true
			}, fmt.Sprintf("Idempotency-Key: k%d", i)); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			again := host.do("POST", "/api/v1/chat", body[:len(body)-len(`,"stream":true}`)]+"}", "X-Tenant-ID: "+tenant, fmt.Sprintf("Idempotency-Key: k%d", i))
			if shown != garbled.want || done.Reply != shown || again.Status != 200 || again.Reply != shown || again.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("%s: shown %q, done %q, again %d %q; want %q", what, shown, done.Reply, again.Status, again.Reply, garbled.want)
			}
			turns := host.allTurns(tenant, "c")
			if n := len(turns); n != 2*(i+1) {
				t.Fatalf("%s: %d turns", what, n)
			}
			for _, kept := range turns[2*i:] {
				if kept.State != "succeeded" || len(kept.Messages) != 2 || kept.Messages[1].Content != garbled.want {
					t.Errorf("%s: kept is %+v", what, kept)
				}
			}
		}
	}
}
