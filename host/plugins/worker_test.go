package plugins

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// TestWorker_permit checks that a process that takes two calls at once never has more: calls of
// many tenants, configurations and releases count, also while the process is replaced.
func TestWorker_permit(t *testing.T) {
	const tenants, calls = 6, 20
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test=two")
	var peaks sync.Map
	var all sync.WaitGroup
	for n := range tenants {
		tenant := fmt.Sprint("t", n)
		all.Go(func() {
			for k := range calls {
				// Each configuration is an instance of its own, which is released soon.
				i := h.open(Spec{Name: "test", Tenant: tenant, Config: fmt.Appendf(nil, `{"secret": "%s-%d"}`, tenant, k%3)})
				if _, err := ask(t.Context(), i, tenant, "sleep 2ms"); err != nil {
					t.Error(err)
				}
				peak, err := ask(t.Context(), i, tenant, "peak")
				if err != nil {
					t.Error(err)
				}
				peaks.Store(peak, true)
				i.Close()
				if n == 0 && k == calls/2 {
					putPlugin(t, h.dir, "test", "two\n ")
					_ = h.Rescan()
				}
			}
		})
	}
	all.Wait()
	peaks.Range(func(peak, _ any) bool {
		if n, err := strconv.Atoi(peak.(string)); err != nil || n < 1 || n > 2 {
			t.Errorf("a process had %v calls at once", peak)
		}
		return true
	})
	if _, ok := peaks.Load("2"); !ok {
		t.Error("the process never had two calls at once")
	}
}

// TestWorker_permit_fair checks that many calls of one tenant, which wait for a process that takes
// two calls at once, do not stand before the few calls of another tenant.
func TestWorker_permit_fair(t *testing.T) {
	const many, few = 30, 5
	h := newHost(t, hostOptions{}, "test=two")
	i := h.open(Spec{Name: "test"})
	h.ask(i, "hello")
	free := filepath.Join(t.TempDir(), "free")
	var all sync.WaitGroup
	call := func(tenant, text string, done *atomic.Int32) {
		all.Go(func() {
			if _, err := ask(t.Context(), i, tenant, text); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
	}
	var held, greedy, other atomic.Int32
	for range 2 {
		call("greedy", "hold "+free, &held)
	}
	eventually(t, 10*time.Second, "the process is full", func() bool { return h.row("test").Calls == 2 })
	for range many {
		call("greedy", "sleep 5ms", &greedy)
	}
	eventually(t, 10*time.Second, "calls wait", func() bool { return h.row("test").Waiting == many })
	for range few {
		call("other", "sleep 5ms", &other)
	}
	eventually(t, 10*time.Second, "all calls wait", func() bool { return h.row("test").Waiting == many+few })
	if err := os.WriteFile(free, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the other tenant is served", func() bool { return other.Load() == few })
	if n := greedy.Load(); n > many*2/3 {
		t.Errorf("%d of %d calls of the greedy tenant came before the %d of the other", n, many, few)
	}
	all.Wait()
}

// TestProcess_secret checks that the socket of a plugin answers nobody but the host.
func TestProcess_secret(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	h.ask(h.open(Spec{Name: "test"}), "hello")
	sockets, err := filepath.Glob(filepath.Join(h.runtime.Path(), "*", "*", "*"))
	if err != nil || len(sockets) != 1 {
		t.Fatal(sockets, err)
	}
	conn, err := grpc.NewClient("passthrough:///", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return net.Dial("unix", sockets[0]) }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, info := pluginv1.NewPluginServiceClient(conn).GetInfo(t.Context(), &pluginv1.GetInfoRequest{})
	_, health := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: "plugin"})
	for _, err := range []error{info, health} {
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("without the secret: %v", err)
		}
	}
}
