package config

import (
	"testing"
	"time"
)

func TestLimits_ofATenant(t *testing.T) {
	h := loadHost(t, `{limits: {concurrent_turns: 8}, defaults: {llm: {provider: echo}, limits: {concurrent_turns: 4, turn_timeout: 10}}}`)
	want := h.Settings.Limits
	want.ConcurrentTurns, want.TurnTimeout = 4, 2500*time.Millisecond
	if e := tenant(t, h, `limits: {turn_timeout: 2.5}`); e.Limits != want {
		t.Errorf("%+v", e.Limits)
	}
	if e := tenant(t, h, `limits: {concurrent_turns: ~}`); e.Limits.ConcurrentTurns != 8 {
		t.Errorf("a null gives %+v, want the host's limit", e.Limits)
	}
	if e := tenant(t, h, `limits: ~`); e.Limits.TurnTimeout != 600*time.Second {
		t.Errorf("a null gives %+v, want the host's limits", e.Limits)
	}
}

// TestLimits_areNotLifted checks that a tenant may not set turns_per_minute or reply_tokens to 0,
// which means unlimited, if the host limits them.
func TestLimits_areNotLifted(t *testing.T) {
	free := loadHost(t, `defaults: {llm: {provider: echo}, limits: {reply_tokens: 5}}`)
	if e := tenant(t, free, `limits: {turns_per_minute: 1000000, reply_tokens: 0}`); e.Limits.TurnsPerMinute != 1000000 || e.Limits.ReplyTokens != 0 {
		t.Errorf("below no ceiling: %+v", e.Limits)
	}
	bound := loadHost(t, `{limits: {turns_per_minute: 60, reply_tokens: 100}, defaults: {llm: {provider: echo}}}`)
	if e := tenant(t, bound, ``); e.Limits.TurnsPerMinute != 60 || e.Limits.ReplyTokens != 100 {
		t.Errorf("inherited: %+v", e.Limits)
	}
	if e := tenant(t, bound, `limits: {turns_per_minute: 60, reply_tokens: 1}`); e.Limits.TurnsPerMinute != 60 || e.Limits.ReplyTokens != 1 {
		t.Errorf("lower: %+v", e.Limits)
	}
	doc, err := ParseYAML("t.yaml", []byte(`limits: {turns_per_minute: 0, reply_tokens: 101}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bound.Tenant(t.Context(), "t", Documents{Operator: doc}, testSchemas(t))
	const want = `t.yaml:1:10: limits.turns_per_minute: is 0, which is unlimited, above the host's limit of 60 (host.yaml:1:11); expected 1 to 60
t.yaml:1:31: limits.reply_tokens: is 101, above the host's limit of 100 (host.yaml:1:33); expected at most 100`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLimits_TenantSetTokenTimeout checks that Limits.TenantSetTokenTimeout is true only if the
// tenant's document sets a token timeout, and false for inherited timeouts.
func TestLimits_TenantSetTokenTimeout(t *testing.T) {
	h := loadHost(t, `{limits: {token_timeout: 30}, defaults: {llm: {provider: echo}, limits: {first_token_timeout: 5}}}`)
	for src, want := range map[string]bool{
		``: false, `limits: {turn_timeout: 1}`: false, `limits: {token_timeout: ~}`: false, `limits: ~`: false,
		`limits: {token_timeout: 1}`: true, `limits: {first_token_timeout: 1}`: true,
	} {
		t.Run(src, func(t *testing.T) {
			if e := tenant(t, h, src); e.Limits.TenantSetTokenTimeout != want {
				t.Errorf("%s: %v", src, e.Limits.TenantSetTokenTimeout)
			}
		})
	}
}
