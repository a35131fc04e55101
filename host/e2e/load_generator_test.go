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
	window        = 20 // how many messages of a conversation the model gets
)

// loadConfig are the settings of the load's tenants. A turn lasts about as long as a short reply of a fast
// model, so that turns are running when a fault happens.
const loadConfig = `{"llm":{"provider":"echo","token_delay_ms":15},"memory":{"type":"buffer","max_messages":20},"prompts":{"system":"I am %s."}}`

// acked is a turn that the host has acknowledged to a client.
type acked struct {
	number      int64
	text, reply string
	begun, seen time.Time // times of the acknowledged request and of its response
}

// load is a group of clients that send turns until stop. A client repeats each message with the same
// idempotency key until the host acknowledges the turn. The first five conversations have two clients
// each, and the others have one.
type load struct {
	t   *testing.T
	via *hostProcess
	tag string

	end     chan struct{}
	clients sync.WaitGroup
	mu      sync.Mutex
	acked   map[string][]acked // turns by conversation
	refused map[string]int     // numbers of refused requests by status and class
}

// startLoad registers the tenants and starts the clients. All ids of tenants and conversations begin with
// tag.
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
	t.Cleanup(l.stop) // also if the test fails before it calls stop
	return l
}

// stop stops the clients. It waits for the responses to running requests.
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

// client sends messages in a conversation until stop. Clients of odd conversations stream the replies.
func (l *load) client(c, twin int) {
	tenant, conversation := l.tenant(c), l.conversation(c)
	ask := l.ask
	if c%2 == 1 {
		ask = l.askStream
	}
	for n := 1; !l.stopped(); n++ {
		text := fmt.Sprintf("message %d of client %d of %s", n, twin, conversation)
		for !l.stopped() {
			a := acked{text: text, begun: time.Now()}
			reply, ok := ask(tenant, conversation, text)
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

// ask sends one request and reports whether its turn was acknowledged. The test fails for an error that is
// not retryable. A broken connection is allowed.
func (l *load) ask(tenant, conversation, text string) (answer, bool) {
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

// askStream sends one request for a streamed reply and reports whether its turn was acknowledged. It
// allows the same errors as ask.
func (l *load) askStream(tenant, conversation, text string) (answer, bool) {
	body := fmt.Sprintf(`{"conversation_id":%q,"message":%q,"stream":true}`, conversation, text)
	var end answer
	ok := false
	err := l.via.stream(tenant, body, func(e event) bool {
		switch e.name {
		case "done":
			ok = json.Unmarshal([]byte(e.data), &end) == nil
		case "error":
			_ = json.Unmarshal([]byte(e.data), &end) // end stays empty on an error, and l.problem then reports it
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

// problem counts an error response. An error of the host must be retryable. The balancer's own errors have
// no class.
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

// count returns the number of all acknowledged turns. It also returns the smallest number of turns in a
// conversation whose requests were sent after the given time.
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

// latest returns how long the slowest conversation waited for its first acknowledged turn after the given
// time.
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

// othersFlow waits until each conversation, except the conversation with number but, has an acknowledged
// turn whose request was sent after the given time.
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

// flows waits until each conversation has n acknowledged turns whose requests were sent after the given
// time.
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
