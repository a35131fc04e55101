package api

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

func TestListen(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", ""} {
		t.Run("refuses "+address, func(t *testing.T) {
			if l, err := Listen(address); err == nil {
				_ = l.Close()
				t.Errorf("listens on %s", l.Addr())
			} else if !strings.Contains(err.Error(), "127.0.0.1:8080") {
				t.Errorf("the error does not say what to set: %v", err)
			}
		})
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		t.Run("opens "+address, func(t *testing.T) {
			l, err := Listen(address)
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		})
	}
}

// TestListen_anywhere checks that a server with tokens may listen on any address.
func TestListen_anywhere(t *testing.T) {
	for address, warned := range map[string]bool{"0.0.0.0:0": true, "127.0.0.1:0": false} {
		t.Run(address, func(t *testing.T) {
			var log logText
			server := New(listening{tokenAssembly{}, address}, Options{Log: log.logger()})
			l, err := server.Listen()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log.String(), "WITHOUT TLS"); got != warned {
				t.Errorf("the log is %s", log.String())
			}
			served := make(chan error, 1)
			go func() { served <- server.Serve(l) }()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = server.Drain(ctx)
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

type listening struct {
	tokenAssembly
	address string
}

func (l listening) Settings() config.Settings {
	s := l.tokenAssembly.Settings()
	s.Listen = l.address
	return s
}

// TestServer_Serve_refusesOtherAddresses checks that Serve without tokens refuses a listener that
// is not on loopback.
func TestServer_Serve_refusesOtherAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := serve(t, Options{}).server.Serve(l); err == nil || !strings.Contains(err.Error(), "refusing") {
		t.Error(err)
	}
}
