package sdk

import (
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
)

const (
	// finishCalls is how long the calls at work have to finish once standard input has ended. Then
	// they are canceled.
	finishCalls = 3 * time.Second
	// endWithin is how long the whole process has to end once standard input has ended. Then it
	// exits, even if an instance is still being closed. A host does not wait for so long, but a
	// plugin whose host is gone must end too.
	endWithin = 10 * time.Second
)

// ending lets a gRPC server of go-plugin end in order. The methods are safe for concurrent use.
type ending struct {
	mu    sync.Mutex
	calls int           // the calls at work, without go-plugin's streams
	idle  chan struct{} // nil before the end; closed when calls is 0
	over  chan struct{} // closed when go-plugin's streams must end
}

func newEnding() *ending { return &ending{over: make(chan struct{})} }

// follow runs the handler of a stream that go-plugin leaves open until the connection ends. It
// returns when the handler has returned or the server ends.
func (e *ending) follow(handle func() error) error {
	done := make(chan error, 1)
	go func() { done <- handle() }() // the handler returns soon after follow, because its stream has ended then
	select {
	case err := <-done:
		return err
	case <-e.over:
		return nil
	}
}

func (e *ending) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
}

func (e *ending) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls--; e.calls == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// run ends the server: it takes no new connections, lets the calls at work finish, closes the
// instances, and sends what was not sent yet. It must be called only once.
func (e *ending) run(server *grpc.Server, closeInstances func()) {
	limit := time.AfterFunc(endWithin, func() { os.Exit(1) })
	defer limit.Stop()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		server.GracefulStop() // it returns when the last call and the last stream of go-plugin have ended
	}()
	idle := make(chan struct{})
	e.mu.Lock()
	if e.calls == 0 {
		close(idle)
	} else {
		e.idle = idle
	}
	e.mu.Unlock()
	cancel := time.AfterFunc(finishCalls, server.Stop)
	<-idle // server.Stop cancels the calls that are left; what ignores that ends with the process
	cancel.Stop()
	closeInstances()
	close(e.over)
	select {
	case <-stopped:
	case <-time.After(time.Second): // the host does not read the rest of an answer
		server.Stop()
	}
}
