package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	conversations = 50
	loadTenants   = 5
	window        = 20 // messages that the model is shown of a load's conversation
)

// loadConfig makes turns last about as long as a short reply of a fast model, so that
// whatever happens hits some at work.
const loadConfig = `{"llm":{"provider":"echo","token_delay_ms":15},"memory":{"type":"buffer","max_messages":20},"prompts":{"system":"I am %s."}}`

// acked is a turn whose end a client saw.
type acked struct {
	number      int64
	text, reply string
	begun, seen time.Time // the request that was answered, and its answer
}

// load is clients that talk in conversations, each message with an idempotency key
// that it is repeated with until its turn is acknowledged. The first conversations
// have two clients each. They go on until stop.
type load struct {
	t   *testing.T
	via *hostProcess
	tag string

	end     chan struct{}
	clients sync.WaitGroup
	mu      sync.Mutex
	acked   map[string][]acked // by conversation
	refused map[string]int     // by status and class
}

// startLoad registers the tenants and starts the clients. Tag is part of the names of
// all.
func startLoad(t *testing.T, via *hostProcess, tag string) *load {
	t.Helper()
	l := &load{t: t, via: via, tag: tag, end: make(chan struct{}), acked: map[string][]acked{}, refused: map[string]int{}}
	for i := range loadTenants {
		tenant := fmt.Sprint(tag, i)
		via.put(tenant, fmt.Sprintf(loadConfig, tenant))
	}
	for c := range conversations {
		l.clients.Go(func() { l.client(c, 0) })
		if c < 5 {
			l.clients.Go(func() { l.client(c, 1) })
		}
	}
	t.Cleanup(l.stop) // if it failed before
	return l
}

// stop ends the load when the requests that are under way have their answers.
func (l *load) stop() {
	select {
	case <-l.end:
	default:
		close(l.end)
	}
	l.clients.Wait()
}

func (l *load) stopped() bool {
	select {
	case <-l.end:
		return true
	default:
		return false
	}
}

func (l *load) tenant(c int) string       { return fmt.Sprint(l.tag, c%loadTenants) }
func (l *load) conversation(c int) string { return fmt.Sprint(l.tag, "-c", c) }

// client sends message after message; half of the clients read streams.
func (l *load) client(c, twin int) {
	tenant, conversation := l.tenant(c), l.conversation(c)
	for n := 1; !l.stopped(); n++ {
		text := fmt.Sprintf("message %d of client %d of %s", n, twin, conversation)
		for !l.stopped() {
			a := acked{text: text, begun: time.Now()}
			reply, ok := l.ask(tenant, conversation, text, c%2 == 1)
			if !ok {
				select {
				case <-time.After(200*time.Millisecond + rand.N(200*time.Millisecond)):
				case <-l.end:
				}
				continue
			}
			a.number, a.reply, a.seen = reply.Turn, reply.Reply, time.Now()
			l.mu.Lock()
			l.acked[conversation] = append(l.acked[conversation], a)
			l.mu.Unlock()
			break
		}
	}
}

// ask is one request. Whatever is no end of a turn must be an error that a repeat can
// help with, or the end of the connection.
func (l *load) ask(tenant, conversation, text string, stream bool) (answer, bool) {
	if stream {
		return l.askStream(tenant, conversation, text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a, err := l.via.try(ctx, "POST", "/api/v1/chat", chatBody(conversation, text), "X-Tenant-ID: "+tenant, "Idempotency-Key: "+text)
	switch {
	case err != nil:
		l.refuse("cut")
		return a, false
	case a.Status == 200:
		return a, true
	}
	l.problem(a)
	return a, false
}

func (l *load) askStream(tenant, conversation, text string) (answer, bool) {
	body := fmt.Sprintf(`{"conversation_id":%q,"message":%q,"stream":true}`, conversation, text)
	var end answer
	ok := false
	err := l.via.stream(tenant, body, func(e event) bool {
		switch e.name {
		case "done":
			ok = json.Unmarshal([]byte(e.data), &end) == nil
		case "error":
			_ = json.Unmarshal([]byte(e.data), &end) // an unknown one is complained about below
			end.Body = []byte(e.data)
			l.problem(end)
		}
		return true
	}, "Idempotency-Key: "+text)
	var refused *refusedError
	switch {
	case err == nil:
	case errors.As(err, &refused):
		l.problem(refused.answer)
	default:
		l.refuse("cut")
	}
	return end, ok && err == nil
}

// problem counts an error of a host's, or the balancer's, which has no class.
func (l *load) problem(a answer) {
	if a.Class == "" && a.Status == 502 && len(a.Body) == 0 {
		l.refuse("balancer")
		return
	}
	l.refuse(fmt.Sprint(a.Status, " ", a.Class, ": ", a.Detail))
	if !a.Retryable {
		l.t.Errorf("not an error that says that a repeat can help: %d %s", a.Status, a.Body)
	}
}

func (l *load) refuse(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[what]++
}

// count is how many turns were acknowledged, and the least for a conversation of
// requests that were made after a time.
func (l *load) count(after time.Time) (all, least int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	least = -1
	for c := range conversations {
		turns, since := l.acked[l.conversation(c)], 0
		for _, a := range turns {
			if a.begun.After(after) {
				since++
			}
		}
		all += len(turns)
		if least < 0 || since < least {
			least = since
		}
	}
	return all, least
}

// latest is when the last of all conversations had its first answer after a time.
func (l *load) latest(after time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var worst time.Duration
	for c := range conversations {
		for _, a := range l.acked[l.conversation(c)] {
			if a.seen.After(after) {
				worst = max(worst, a.seen.Sub(after))
				break
			}
		}
	}
	return worst
}

// othersFlow waits until each conversation but one had a turn by a request made after
// a time.
func (l *load) othersFlow(within time.Duration, after time.Time, but int) {
	l.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		var waiting []string
		l.mu.Lock()
		for c := range conversations {
			turns := l.acked[l.conversation(c)]
			if c != but && (len(turns) == 0 || turns[len(turns)-1].begun.Before(after)) {
				waiting = append(waiting, l.conversation(c))
			}
		}
		l.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		if time.Now().After(end) {
			l.t.Errorf("not within %s: turns in %v", within, waiting)
			return
		}
	}
}

// flows waits until each conversation had n turns by requests made after a time.
func (l *load) flows(within time.Duration, after time.Time, n int) {
	l.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		all, least := l.count(after)
		if least >= n {
			return
		}
		if time.Now().After(end) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.t.Fatalf("not within %s: %d turns in each conversation; %d in all, the least %d; refused %v", within, n, all, least, l.refused)
		}
	}
}
