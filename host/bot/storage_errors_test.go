package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// TestNotKept checks that the class and party of the error are those of the table in package
// fault.
func TestNotKept(t *testing.T) {
	for answered, want := range map[fault.Class]fault.Class{
		fault.Conflict: fault.Conflict, fault.NotFound: fault.Conflict,
		fault.Invalid: fault.Internal, fault.Internal: fault.Internal, fault.ContextTooLong: fault.Internal,
		fault.PluginUnavailable: fault.PluginUnavailable, fault.Deadline: fault.Deadline, fault.ProviderFailed: fault.ProviderFailed,
		fault.QuotaExhausted: fault.QuotaExhausted, fault.Unauthenticated: fault.Unauthenticated, fault.Forbidden: fault.Forbidden,
	} {
		t.Run(answered.String(), func(t *testing.T) {
			got := fault.Of(notKept(fault.New(answered, "dial 10.0.0.7: hunter2").From(fault.OriginStorage)))
			if table := fault.New(want, "x").From(fault.OriginStorage); got.Class != want || got.Party != table.Party || got.Retryable != table.Retryable {
				t.Errorf("it is %s of %s, retryable %t; by the table %s of %s, %t", got.Class, got.Party, got.Retryable, want, table.Party, table.Retryable)
			}
			if told := got.ForCallers(); !strings.HasPrefix(told, "the reply was not kept: ") || strings.Contains(told, "hunter2") {
				t.Errorf("callers are told %q", told)
			}
		})
	}
	if got := fault.Of(notKept(fault.New(fault.RateLimited, "x").After(time.Minute))); got.Class != fault.ProviderFailed || got.Party != fault.PartyProvider || got.RetryAfter != time.Minute {
		t.Errorf("a storage that takes no more for now: %+v", got)
	}
}
