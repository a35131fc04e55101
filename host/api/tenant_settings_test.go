package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// TestTenantSettings_limit checks how many requests about one tenant's settings may run at once,
// over all routes, and that requests about other tenants are still accepted.
func TestTenantSettings_limit(t *testing.T) {
	s := serve(t, Options{})
	s.call("PUT", "/admin/v1/tenants/a", nil, prompt, 201, nil)
	var leave []func()
	// beyond: settings under way
	for range bounds.SettingsUnderWayEach {
		l, err := s.server.settings.Acquire("a")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	path := "/admin/v1/tenants/a"
	for _, c := range []struct{ method, path, body string }{
		{"PUT", path, prompt}, {"PUT", path + "?dry_run=true", prompt}, {"DELETE", ownPath, ""}, {"GET", path, ""}, {"GET", path + "/config", ""},
		{"GET", path + "/versions", ""}, {"GET", path + "/versions/1", ""}, {"POST", path + "/rollback", `{"version":1}`}, {"POST", path + "/restore", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			if p := s.in(t).refuse(refusal{"", c.method, c.path, nil, c.body, 429, fault.RateLimited, "", "16 requests about its settings"}); !p.Retryable || p.RetryAfterMS == 0 {
				t.Errorf("%+v", p)
			}
		})
	}
	s.call("PUT", "/admin/v1/tenants/b", nil, prompt, 201, nil)
	s.chat("a", "c", "m")
	for _, l := range leave {
		l()
	}
	s.call("PUT", path, nil, prompt, 200, nil)
}

// TestAuthorOf checks, for each route with the parameter "as", that requests of a tenant for its own
// settings are refused for a while if checking the settings took too much time. Requests of the operator,
// turns, and other tenants are not affected.
func TestAuthorOf(t *testing.T) {
	s := serve(t, Options{})
	for _, id := range []string{"a", "b"} {
		s.call("PUT", "/admin/v1/tenants/"+id, nil, prompt, 201, nil)
	}
	// beyond: time of judging
	s.host.Registry().Slots().Pace().Spend("a", bounds.JudgingCredit+time.Minute)
	bodies := map[string][]string{"PUT": {prompt, "{" /* the body is not read */}, "PATCH": {prompt}, "POST": {`{"version":1}`}}
	walked := 0
	for path, methods := range s.server.routes() {
		for method, ro := range methods {
			if !slices.Contains(ro.query, "as") {
				continue
			}
			walked++
			tried := []string{""}
			if ro.body {
				tried = bodies[method]
			}
			h := headers(nil)
			if method == "PATCH" {
				h = headers{"Content-Type": mergePatchType}
			}
			at := strings.Replace(path, "{id}", "a", 1) + "?as="
			for _, body := range tried {
				t.Run(method+" "+path+" "+body, func(t *testing.T) {
					p := s.in(t).refuse(refusal{"", method, at + "tenant", h, body, 429, fault.RateLimited, "", "taken more time to read and check"})
					if wait := time.Duration(p.RetryAfterMS) * time.Millisecond; wait < 9*time.Minute || wait > 11*time.Minute {
						t.Errorf("the time to wait is %s", wait)
					}
					s.in(t).refuse(refusal{"", method, at + "root", h, body, 400, fault.Invalid, "as", "operator or tenant"})
				})
			}
		}
	}
	if walked < 7 {
		t.Errorf("only %d routes have an author", walked)
	}
	s.call("PUT", "/admin/v1/tenants/a", nil, prompt, 200, nil)
	s.refuse(refusal{"", "POST", "/admin/v1/tenants/a/rollback", nil, `{"version":1}`, 422, fault.Invalid, "registry.storage", "history"})
	s.chat("a", "c", "m")
	s.call("PUT", "/admin/v1/tenants/b?as=tenant", nil, prompt, 201, nil)
}

// TestTenantSettings_slots checks that a request waits while another request uses its tenant's
// slot, that the wait ends with the request, and that requests of other tenants do not wait.
func TestTenantSettings_slots(t *testing.T) {
	s := serve(t, Options{})
	s.call("PUT", "/admin/v1/tenants/a", nil, prompt, 201, nil)
	judging := s.host.Registry().Slots()
	waited := make(chan error, 1)
	err := judging.Do(t.Context(), "a", func(context.Context) error {
		s.call("PUT", "/admin/v1/tenants/b", nil, prompt, 201, nil)
		s.chat("a", "c", "m") // a turn of the tenant a needs no slot, because its settings are loaded
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/admin/v1/tenants/a/config", nil)
			if err == nil {
				_, err = s.client.Do(req)
			}
			waited <- err
		}()
		for _, waiting := judging.Counts(); waiting == 0; _, waiting = judging.Counts() {
			time.Sleep(time.Millisecond)
			if len(waited) > 0 {
				break
			}
		}
		cancel()
		for _, waiting := judging.Counts(); waiting > 0; _, waiting = judging.Counts() {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err == nil {
		t.Error("the canceled request got a response")
	}
	s.get("/admin/v1/tenants/a/config", nil)
}

// TestAuthorOf_slots checks that requests of tenants for their own settings wait for each other,
// and that requests of the operator do not wait for them.
func TestAuthorOf_slots(t *testing.T) {
	s := serve(t, Options{})
	for _, id := range []string{"a", "b"} {
		s.call("PUT", "/admin/v1/tenants/"+id, nil, prompt, 201, nil)
	}
	slots := s.server.ownSettings
	ends := make(chan struct{})
	var held sync.WaitGroup
	for i := range max(1, runtime.GOMAXPROCS(0)/bounds.JudgedForTenantsParts) {
		held.Add(1)
		go func() {
			_ = slots.Do(t.Context(), fmt.Sprint("other", i), func(context.Context) error { held.Done(); <-ends; return nil })
		}()
	}
	held.Wait()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.call("PUT", "/admin/v1/tenants/a?as=tenant", nil, prompt, 201, nil)
	}()
	for _, waiting := slots.Counts(); waiting == 0; _, waiting = slots.Counts() {
		time.Sleep(time.Millisecond)
	}
	s.call("PUT", "/admin/v1/tenants/b", nil, prompt, 200, nil)
	close(ends)
	<-done
}
