package pgstore

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// TestHostPreference_deadHost checks that new connections do not try the first host of a list again
// after that host has not responded once.
func TestHostPreference_deadHost(t *testing.T) {
	c := own(t)
	for _, where := range []string{"socket", "tcp"} {
		t.Run(where, func(t *testing.T) {
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int32
			var conns []net.Conn
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := silent.Accept()
					if err != nil {
						return
					}
					conns = append(conns, conn)
					asked.Add(1)
				}
			}()
			defer func() {
				_ = silent.Close() // ends the loop of Accept
				<-done
				for _, conn := range conns {
					_ = conn.Close() // the Store has already closed its end
				}
			}()
			cfg := config("user=postgres sslmode=disable dbname=" + database(t))
			cfg.ConnectTimeout = 0.5
			cfg.Connection.Host = Hosts{silent.Addr().String(), fmt.Sprintf("localhost:%d", c.Port())}
			if where == "socket" {
				dir, port := c.Socket()
				cfg.Connection.Host[1], cfg.Connection.Port = dir, port
			}
			s := open(t, cfg)
			begin(t, s, call("t", "c"))
			before := asked.Load()
			if before == 0 {
				t.Fatal("the first host of the list was not asked")
			}
			var leases []lease
			for range 5 {
				l, err := s.pool.acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				leases = append(leases, l)
			}
			for _, l := range leases {
				l.Release()
			}
			if n := asked.Load(); n != before {
				t.Errorf("the dead host was asked %d times for 5 more connections", n-before)
			}
		})
	}
}

// retried calls f again and again while the error of f is retryable, as a host does. It gives up
// after a minute.
func retried(f func() error) error {
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil || !fault.Of(err).Retryable || time.Since(start) > time.Minute {
			return err
		}
	}
}
