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

// The numbers of tenants and clients.
const (
	tenants       = 60
	slowTenants   = 4 // the tenants with the highest numbers, whose long replies are for disconnecters and slowReaders
	talkers       = 24
	disconnecters = 12
	slowReaders   = 4

	turnsPerConversation = 40 // after so many turns the conversation is checked and deleted
)

func tenantID(tenant int) string { return fmt.Sprintf("soak-%02d", tenant) }

// systemPrompt returns a prompt with the tenant and the generation n of its settings. The echo model
// repeats the prompt, so that every reply contains tenant and generation.
func systemPrompt(tenant, n int) string {
	return fmt.Sprintf("I serve %s at generation %d.", tenantID(tenant), n)
}

var tenantIDPattern = regexp.MustCompile(`soak-\d\d`)

// talk runs conversations one after another until ctx is done, and checks every reply. It runs
// concurrently with other talkers, which have other values of me.
func (r *run) talk(ctx context.Context, me int, p phase) {
	part := cryptorand.Text()[:4] // random, so that each phase has conversation ids of its own
	for c := 0; ctx.Err() == nil; c++ {
		tenant := rand.IntN(tenants - slowTenants)
		conv := &conversation{tenant: tenantID(tenant), id: fmt.Sprintf("talk-%s-%d-%d", part, me, c)}
		r.results.track(conv)
		for n := 0; n < turnsPerConversation && ctx.Err() == nil; n++ {
			word := fmt.Sprintf("word %s %s %d", conv.tenant, conv.id, n)
			// The loop waits for the reply even if ctx is done meanwhile, because an aborted turn would
			// count as failed.
			turn, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			status, body, err := r.client.do(turn, http.MethodPost, "/api/v1/chat", conv.tenant, object{"conversation_id": conv.id, "message": word})
			cancel()
			if err != nil {
				r.results.violate("the host did not answer: %v", err)
				return
			}
			var a reply
			if err := json.Unmarshal(body, &a); err != nil {
				r.results.violate("no JSON: %d %s", status, body)
				continue
			}
			if status != http.StatusOK {
				r.results.fail(a.Class)
				if !p.kills || !a.Retryable {
					r.results.violate("%s: a turn failed: %d %s", p.name, status, body)
				}
				continue
			}
			for _, id := range tenantIDPattern.FindAllString(a.Reply, -1) {
				if id != conv.tenant {
					r.results.violate("%s was shown something of %s: %s", conv.tenant, id, a.Reply)
				}
			}
			if !strings.Contains(a.Reply, word) || a.Bot.Tenant != conv.tenant {
				r.results.violate("not the reply to %q: %s", word, body)
			}
			if err := r.revisions.observe(a.Bot.Revision, a.Reply); err != nil {
				r.results.violate("%s: %v", conv.tenant, err)
			}
			r.results.acknowledge(conv, a.Turn, word, a.Reply)
		}
		if ctx.Err() == nil {
			r.results.verify(ctx, &r.client, conv)
		}
	}
}

// disconnect starts streamed turns and closes each connection before the reply is complete.
func (r *run) disconnect(ctx context.Context, me int) {
	for c := 0; ctx.Err() == nil; c++ {
		tenant := tenantID(tenants - 1 - rand.IntN(slowTenants))
		conversation := fmt.Sprintf("disconnect-%d-%d", me, c)
		stream, cancel := context.WithTimeout(ctx, time.Duration(20+rand.IntN(500))*time.Millisecond)
		resp, err := r.client.send(stream, http.MethodPost, "/api/v1/chat", tenant, object{"conversation_id": conversation, "message": "tell me much", "stream": true})
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		cancel()
		r.results.count(disconnected)
		r.deleteUnchecked(ctx, tenant, conversation)
	}
}

// readSlowly starts streamed turns and reads 16 bytes of each reply every 300 ms.
func (r *run) readSlowly(ctx context.Context, me int) {
	for c := 0; ctx.Err() == nil; c++ {
		tenant := tenantID(tenants - 1 - rand.IntN(slowTenants))
		conversation := fmt.Sprintf("slow-%d-%d", me, c)
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
		r.results.count("read slowly")
		r.deleteUnchecked(ctx, tenant, conversation)
	}
}

// deleteUnchecked deletes a conversation without a check of its turns, so that the storage stays small. It
// ignores errors.
func (r *run) deleteUnchecked(ctx context.Context, tenant, conversation string) {
	_, _, _ = r.client.do(ctx, http.MethodDelete, "/api/v1/conversations/"+conversation, tenant, nil)
}
