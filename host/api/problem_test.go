package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// TestNewProblem_statuses checks the status of each class, and of each party that changes the status.
func TestNewProblem_statuses(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{fault.New(fault.Internal, "x"), 500},
		{fault.New(fault.NotFound, "x"), 404},
		{fault.New(fault.NotFound, "x").By(fault.PartyTenant), 503},
		{fault.New(fault.NotFound, "x").By(fault.PartyProvider), 502},
		{fault.New(fault.Invalid, "x"), 422},
		{fault.New(fault.Invalid, "x").By(fault.PartyTenant), 503},
		{fault.New(fault.Invalid, "x").By(fault.PartyProvider), 502},
		{fault.New(fault.Invalid, "x").By(fault.PartyPlugin), 502},
		{fault.New(fault.Invalid, "x").By(fault.PartyHost), 500},
		{malformed("f", "x"), 400},
		{fault.New(fault.Conflict, "x"), 409},
		{fault.New(fault.Unauthenticated, "x"), 502},
		{fault.New(fault.Unauthenticated, "x").By(fault.PartyCaller), 401},
		{fault.New(fault.Forbidden, "x"), 502},
		{fault.New(fault.Forbidden, "x").By(fault.PartyCaller), 403},
		{fault.New(fault.RateLimited, "x"), 429},
		{fault.New(fault.QuotaExhausted, "x"), 402},
		{fault.New(fault.ContextTooLong, "x"), 422},
		{fault.New(fault.ContentFiltered, "x"), 422},
		{fault.New(fault.ProviderFailed, "x"), 502},
		{fault.New(fault.PluginUnavailable, "x"), 503},
		{fault.New(fault.Deadline, "x"), 504},
		{fault.New(fault.Canceled, "x"), 503},
		{fault.New(fault.UnknownInstance, "x"), 503},
		{context.DeadlineExceeded, 504},
		{errors.New("x"), 500},
		{config.Problems{{Message: "x"}}, 422},
		{fmt.Errorf("wrapped: %w", fault.New(fault.Conflict, "x")), 409},
	} {
		p := NewProblem(c.err)
		t.Run(p.Class+" of "+p.Party, func(t *testing.T) {
			if p.Status != c.status || p.Title == "" || p.Type != problemType+p.Class || p.Party == "" {
				t.Errorf("%v: %+v, want status %d", c.err, p, c.status)
			}
		})
	}
	for class := range problemRules {
		if _, ok := fault.ParseClass(class.String()); !ok {
			t.Errorf("%v is no class", class)
		}
	}
	for class := fault.Internal; class <= fault.UnknownInstance; class++ {
		if _, ok := problemRules[class]; !ok {
			t.Errorf("%v has no status", class)
		}
	}
}

func TestNewProblem_hidesUnknownErrors(t *testing.T) {
	p := NewProblem(errors.New("open /etc/botyard/secrets/pg: permission denied"))
	if strings.Contains(p.Detail, "secrets") || p.Class != "internal" {
		t.Errorf("%+v", p)
	}
}

func TestNewProblem_retryAfter(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int64
	}{
		{fault.New(fault.RateLimited, "x").After(1500 * time.Millisecond), 1500},
		{fault.New(fault.RateLimited, "x"), 1000},
		{fault.New(fault.Conflict, "x"), 1000},
		{fault.New(fault.PluginUnavailable, "x"), 1000},
		{fault.New(fault.ProviderFailed, "x"), 0},
		{fault.New(fault.ProviderFailed, "x").After(time.Minute), 60000},
		{fault.New(fault.Invalid, "x"), 0},
	} {
		p := NewProblem(c.err)
		t.Run(fmt.Sprint(p.Class, " ", c.want), func(t *testing.T) {
			if p.RetryAfterMS != c.want {
				t.Errorf("%v: %d ms, want %d ms", c.err, p.RetryAfterMS, c.want)
			}
		})
	}
}

func TestConfigProblems(t *testing.T) {
	p := NewProblem(config.Problems{
		{Pos: config.Pos{File: "body", Line: 2, Column: 3}, Path: config.Path{"llm", "a/b~c"}, Message: "unknown key", Expected: "model"},
		{Message: "other"},
	})
	want := ConfigProblem{File: "body", Line: 2, Column: 3, Path: "llm.a/b~c", Pointer: "/llm/a~1b~0c", Message: "unknown key", Expected: "model"}
	if len(p.Problems) != 2 || p.Problems[0] != want || p.Detail != "the configuration has 2 problems" {
		t.Errorf("%+v", p)
	}
}

// TestProblem_providerFailures checks the response when the provider fails before the first piece
// of the reply.
func TestProblem_providerFailures(t *testing.T) {
	s := serve(t, Options{})
	for class, status := range map[string]int{
		"rate_limited": 429, "quota_exhausted": 402, "context_too_long": 422, "content_filtered": 422,
		"provider_failed": 502, "unauthenticated": 502, "forbidden": 502, "deadline": 504, "internal": 500,
	} {
		t.Run(class, func(t *testing.T) {
			s := s.in(t)
			s.register(class, echoWith(map[string]any{"fail": map[string]any{"class": class, "retry_after_ms": 2500}}))
			for _, stream := range []bool{false, true} {
				var p Problem
				resp := s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": class}, chatBody("c", "m", "stream", stream), status, &p)
				if p.Class != class || p.RetryAfterMS != 2500 || resp.Header.Get("Retry-After") != "3" {
					t.Errorf("streamed %v: %+v", stream, p)
				}
			}
			for _, turn := range s.turns(class, "c") {
				if turn.State != "failed" || !strings.HasPrefix(turn.Reason, class+": ") || turn.Turn != nil {
					t.Errorf("%+v", turn)
				}
			}
		})
	}
}

// TestNewProblem_everyClassAndOrigin checks the status and the Retry-After for a plugin's
// error of each class and each origin.
func TestNewProblem_everyClassAndOrigin(t *testing.T) {
	origins := []fault.Origin{fault.OriginHere, fault.OriginPlugin, fault.OriginSettings, fault.OriginModel, fault.OriginMemory, fault.OriginStorage}
	for class, want := range map[fault.Class]struct {
		statuses   [6]int // by the index of the origin in origins
		retryAfter int64  // the Retry-After of the response, although the error has none
	}{
		fault.Internal:          {[6]int{500, 500, 500, 500, 500, 500}, 0},
		fault.NotFound:          {[6]int{404, 404, 503, 503, 404, 404}, 0},
		fault.Invalid:           {[6]int{422, 422, 503, 503, 422, 422}, 0},
		fault.Conflict:          {[6]int{409, 409, 503, 503, 409, 409}, 1000},
		fault.Unauthenticated:   {[6]int{502, 502, 502, 502, 502, 502}, 0},
		fault.Forbidden:         {[6]int{502, 502, 502, 502, 502, 502}, 0},
		fault.RateLimited:       {[6]int{429, 429, 429, 429, 429, 429}, 1000},
		fault.QuotaExhausted:    {[6]int{402, 402, 402, 402, 402, 402}, 0},
		fault.ContextTooLong:    {[6]int{422, 422, 422, 422, 422, 422}, 0},
		fault.ContentFiltered:   {[6]int{422, 422, 422, 422, 422, 422}, 0},
		fault.ProviderFailed:    {[6]int{502, 502, 502, 502, 502, 502}, 0},
		fault.PluginUnavailable: {[6]int{503, 503, 503, 503, 503, 503}, 1000},
		fault.Deadline:          {[6]int{504, 504, 504, 504, 504, 504}, 0},
		fault.Canceled:          {[6]int{503, 503, 503, 503, 503, 503}, 1000},
		fault.UnknownInstance:   {[6]int{503, 503, 503, 503, 503, 503}, 1000},
	} {
		for i, origin := range origins {
			t.Run(fmt.Sprintf("%s of origin %d", class, origin), func(t *testing.T) {
				e := fault.New(class, "x").From(origin)
				p := NewProblem(e)
				if p.Status != want.statuses[i] || p.RetryAfterMS != want.retryAfter || p.Party != e.Party.String() || p.Retryable != e.Retryable {
					t.Errorf("%+v", p)
				}
				if after := NewProblem(fault.New(class, "x").After(1500 * time.Millisecond).From(origin)); after.RetryAfterMS != 1500 || !after.Retryable {
					t.Errorf("with a RetryAfter: %+v", after)
				}
			})
		}
	}
}
