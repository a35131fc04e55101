package plugins

import (
	"errors"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"go.uber.org/goleak"
)

// A process that ends between its first line and its connection leaves nothing. It
// is chance how far go-plugin has come by then, and so both steps are made here.
func TestAProcessThatEndsBeforeItIsConnectedLeavesNothing(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=ghost")
	before := goleak.IgnoreCurrent()
	r := discovery.Ref{Kind: "llm", Name: "test"}
	p, err := h.prepare(h.binaries[r], "", h.opts.settings(r))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Start(); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	// Its end has come through to go-plugin when that makes no connection any more.
	eventually(t, 5*time.Second, "go-plugin knows", p.client.Exited)
	time.Sleep(50 * time.Millisecond)
	_, err = p.connect()
	go p.cleanUp()
	var start *startError
	if err = p.abandon(t.Context(), err, time.Second); !errors.As(err, &start) {
		t.Error(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
