package api

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// endless is a body without an end. It counts the bytes that are read.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

// TestExchange_drainBody checks how many bytes of an unread body are read, and how many bodies are
// read at once.
func TestExchange_drainBody(t *testing.T) {
	draining := newDraining()
	drained := func() int {
		body := &endless{}
		x := &exchange{ResponseWriter: httptest.NewRecorder(), linger: true}
		x.drainBody(httptest.NewRequest("POST", "/", io.NopCloser(body)), draining)
		return body.read
	}
	if n := drained(); n < bounds.UnwantedBodyBytes || n > bounds.UnwantedBodyBytes+64<<10 {
		t.Errorf("%d bytes were read", n)
	}
	// beyond: unwanted bodies
	for range bounds.UnwantedBodies {
		draining <- struct{}{}
	}
	if n := drained(); n != 0 {
		t.Errorf("%d bytes of a further body were read", n)
	}
	<-draining
	if drained() == 0 || len(draining) != bounds.UnwantedBodies-1 {
		t.Errorf("after another ended: nothing was read, or its place was kept: %d", len(draining))
	}
}
