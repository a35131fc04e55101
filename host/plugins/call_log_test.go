package plugins

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// TestCallLog checks which tenants are suspects after answered, abandoned and cut off
// calls, and that the log keeps at most bounds.AbandonedTenants abandoned calls.
//
// beyond: tenants with abandoned calls
func TestCallLog(t *testing.T) {
	var l callLog
	if _, alone := l.servedOnly(); alone || len(l.suspects(time.Time{}, time.Minute)) != 0 {
		t.Error("an empty log has suspects")
	}
	host := l.begin("")
	a := l.begin("a")
	if only, alone := l.servedOnly(); !alone || only != "a" {
		t.Errorf("served %q, %t", only, alone)
	}
	l.end(a, answered)
	if got := l.suspects(time.Time{}, time.Minute); len(got) != 0 {
		t.Errorf("suspects %v after an answer", got)
	}
	l.end(l.begin("left"), abandoned)
	l.end(l.begin("cut"), cutOff)
	inside := l.begin("in")
	if got := l.suspects(time.Time{}, time.Minute); len(got) != 3 {
		t.Errorf("suspects %v", got)
	}
	if got := l.suspects(time.Time{}, 0); len(got) != 2 {
		t.Errorf("suspects %v after the lingering time", got)
	}
	if got := l.suspects(inside.since, time.Minute); slices.Contains(got, "in") {
		t.Errorf("suspects %v include a call that began after the process hung", got)
	}
	if _, alone := l.servedOnly(); alone {
		t.Error("servedOnly returns a tenant although the process worked for several")
	}
	l.end(host, abandoned)
	l.end(inside, answered)
	for n := range 3 * bounds.AbandonedTenants {
		l.end(l.begin(fmt.Sprint(n)), abandoned)
	}
	if len(l.left) != bounds.AbandonedTenants {
		t.Errorf("%d abandoned calls are remembered", len(l.left))
	}
}
