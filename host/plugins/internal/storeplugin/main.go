// Command storeplugin is a storage plugin that takes one or two calls at once, as its name says. It
// keeps tenants, reports their changes, and refuses calls that the host may not make at once.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Config is the plugin's configuration.
type Config struct {
	// Gate is the path of a file. List does not end before the file exists.
	Gate string `json:"gate"`
}

// limits has the number of calls at once that the plugins of these names take.
var limits = map[string]int{"one": 1, "two": 2}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "botyard-storage-")
	limit := limits[name]
	sdk.Serve(storage.NewPlugin(name, "0", func(_ context.Context, cfg Config, _ sdk.Env) (*store, error) {
		return &store{gate: cfg.Gate, limit: int64(limit)}, nil
	}, sdk.MaxConcurrentCalls(limit)))
}

// store is an instance. Of [storage.Storage] it implements only List.
type store struct {
	storage.Storage
	tenantstoretest.Memory
	gate   string
	limit  int64
	atWork atomic.Int64

	mu      sync.Mutex
	changed []chan struct{} // one for each watch, with a buffer of one
}

// begin counts a call that begins. The returned function counts its end.
func (s *store) begin() (end func(), err error) {
	n := s.atWork.Add(1)
	end = func() { s.atWork.Add(-1) }
	if n > s.limit {
		end()
		return nil, fault.New(fault.Internal, "%d calls at once; at most %d", n, s.limit)
	}
	return end, nil
}

func (s *store) List(ctx context.Context, _ *storage.ListRequest) (*storage.ConversationPage, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	for {
		if _, err := os.Stat(s.gate); err == nil {
			return &storage.ConversationPage{}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *store) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	r, err := s.Memory.PutTenant(ctx, req)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.changed {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return r, err
}

func (s *store) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	return s.Memory.TenantChanges(ctx, after, limit)
}

func (s *store) WatchTenants(ctx context.Context, changed func() error) error {
	end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	c := make(chan struct{}, 1)
	c <- struct{}{}
	s.mu.Lock()
	s.changed = append(s.changed, c)
	s.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c:
			if err := changed(); err != nil {
				return err
			}
		}
	}
}
