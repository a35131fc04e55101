package main

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Who takes part.
const (
	tenants     = 60
	slowTenants = 4 // of these, with long replies for those who leave or dawdle
	talkers     = 24
	leavers     = 12
	dawdlers    = 4

	turnsKept = 40 // a conversation is checked and deleted after so many
)

func idOf(tenant int) string { return fmt.Sprintf("soak-%02d", tenant) }

// systemOf names tenant and generation, so that both can be seen in each reply.
func systemOf(tenant, n int) string {
	return fmt.Sprintf("I serve %s at generation %d.", idOf(tenant), n)
}

var served = regexp.MustCompile(`soak-\d\d`)

// talk holds conversations one after the other, and checks every reply.
func (r *run) talk(ctx context.Context, me int, p phase) {
	part := cryptorand.Text()[:4] // what was left unfinished before has other ids
	for c := 0; ctx.Err() == nil; c++ {
		tenant := rand.IntN(tenants - slowTenants)
		conv := &conversation{tenant: idOf(tenant), id: fmt.Sprintf("talk-%s-%d-%d", part, me, c)}
		r.ledger.open(conv)
		for n := 0; n < turnsKept && ctx.Err() == nil; n++ {
			word := fmt.Sprintf("word %s %s %d", conv.tenant, conv.id, n)
			// Finished in any case: what was sent at the end is acknowledged or not.
			turn, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			status, body, err := r.client.do(turn, http.MethodPost, "/api/v1/chat", conv.tenant, object{"conversation_id": conv.id, "message": word})
			cancel()
			if err != nil {
				r.ledger.violate("the host did not answer: %v", err)
				return
			}
			var a reply
			if err := json.Unmarshal(body, &a); err != nil {
				r.ledger.violate("no JSON: %d %s", status, body)
				continue
			}
			if status != http.StatusOK {
				r.ledger.fail(a.Class)
				if !p.kills || !a.Retryable {
					r.ledger.violate("%s: a turn failed: %d %s", p.name, status, body)
				}
				continue
			}
			for _, id := range served.FindAllString(a.Reply, -1) {
				if id != conv.tenant {
					r.ledger.violate("%s was shown something of %s: %s", conv.tenant, id, a.Reply)
				}
			}
			if !strings.Contains(a.Reply, word) || a.Bot.Tenant != conv.tenant {
				r.ledger.violate("not the reply to %q: %s", word, body)
			}
			if err := r.revisions.sight(a.Bot.Revision, a.Reply); err != nil {
				r.ledger.violate("%s: %v", conv.tenant, err)
			}
			r.ledger.acknowledge(conv, a.Turn, word, a.Reply)
		}
		if ctx.Err() == nil {
			r.ledger.verify(ctx, &r.client, conv)
		}
	}
}

// leave starts streams and goes away in the middle.
func (r *run) leave(ctx context.Context, me int) {
	for c := 0; ctx.Err() == nil; c++ {
		tenant := idOf(tenants - 1 - rand.IntN(slowTenants))
		conversation := fmt.Sprintf("leave-%d-%d", me, c)
		stream, cancel := context.WithTimeout(ctx, time.Duration(20+rand.IntN(500))*time.Millisecond)
		resp, err := r.client.send(stream, http.MethodPost, "/api/v1/chat", tenant, object{"conversation_id": conversation, "message": "tell me much", "stream": true})
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		cancel()
		r.ledger.count(left)
		r.forget(ctx, tenant, conversation)
	}
}

// dawdle reads a few bytes a second.
func (r *run) dawdle(ctx context.Context, me int) {
	for c := 0; ctx.Err() == nil; c++ {
		tenant := idOf(tenants - 1 - rand.IntN(slowTenants))
		conversation := fmt.Sprintf("dawdle-%d-%d", me, c)
		stream, cancel := context.WithTimeout(ctx, 20*time.Second)
		resp, err := r.client.send(stream, http.MethodPost, "/api/v1/chat", tenant, object{"conversation_id": conversation, "message": "tell me much", "stream": true})
		if err == nil {
			few := make([]byte, 16)
			for stream.Err() == nil {
				if _, err := resp.Body.Read(few); err != nil {
					break
				}
				select {
				case <-stream.Done():
				case <-time.After(300 * time.Millisecond):
				}
			}
			_ = resp.Body.Close()
		}
		cancel()
		r.ledger.count("dawdled")
		r.forget(ctx, tenant, conversation)
	}
}

// forget deletes a conversation that nobody checks, so that the storage stays
// small.
func (r *run) forget(ctx context.Context, tenant, conversation string) {
	_, _, _ = r.client.do(ctx, http.MethodDelete, "/api/v1/conversations/"+conversation, tenant, nil)
}
