package pgstore

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// inspectTimeout bounds the inspection of a database. migrateTimeout bounds a migration.
const (
	inspectTimeout = 20 * time.Second
	migrateTimeout = 10 * time.Minute
)

// databaseInfo is the result of a successful bootstrap. All later calls use it.
type databaseInfo struct {
	role   string // value for set_config: appRole, or "none" for the login itself
	pooled bool   // connections go through a pooler
}

// bootstrap is one attempt to inspect the database and, if necessary, to migrate it.
type bootstrap struct {
	done chan struct{} // closed after info and err are set
	info *databaseInfo
	err  error
}

// ready returns the result of the bootstrap. The first call of ready starts the bootstrap.
// Concurrent calls wait for the same attempt. After a failed attempt, the next call starts another
// attempt.
func (s *Store) ready(ctx context.Context) (*databaseInfo, error) {
	if info := s.info.Load(); info != nil {
		return info, nil
	}
	b := s.startBootstrap()
	select {
	case <-b.done:
		return b.info, b.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// startBootstrap returns the running attempt. If no attempt is running, it starts one. An attempt
// continues after the call that started it has returned, since other calls may wait for the
// attempt.
func (s *Store) startBootstrap() *bootstrap {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bootstrapping != nil {
		return s.bootstrapping
	}
	b := &bootstrap{done: make(chan struct{})}
	s.bootstrapping = b
	s.bootstraps.Go(func() {
		b.info, b.err = s.bootstrapSafely(s.lifetime)
		if b.err == nil {
			s.pool.setPrepare(!b.info.pooled && !s.preparedLost.Load())
			s.info.Store(b.info)
		}
		s.mu.Lock()
		s.bootstrapping = nil
		s.mu.Unlock()
		close(b.done)
	})
	return b
}

// bootstrapSafely calls bootstrapDatabase and returns an error if bootstrapDatabase panics. The
// database driver panics on some responses that violate the protocol.
func (s *Store) bootstrapSafely(ctx context.Context) (info *databaseInfo, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = serverFault("answers what it was not asked")
		}
	}()
	return s.bootstrapDatabase(ctx)
}

// bootstrapDatabase inspects the database. It migrates the database if the schema version is old or
// if appRole is missing.
func (s *Store) bootstrapDatabase(ctx context.Context) (*databaseInfo, error) {
	st, pooled, err := s.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkUsable(st); err != nil {
		return nil, err
	}
	role, ok := st.workingRole()
	if !ok || st.version < len(s.migrations) {
		if _, err := s.migrate(ctx, storage.MigrateOptions{}); err != nil {
			return nil, err
		}
		if st, _, err = s.inspect(ctx); err != nil {
			return nil, err
		}
		if role, ok = st.workingRole(); !ok {
			if !st.rlsApplies() {
				c := &s.cfg
				return nil, fault.New(fault.Invalid, "the login may bypass row-level security and does not get the role %s; grant it", appRole).
					At(c.keyPath(c.Connection.User, "connection.user")...).By(fault.PartyTenant)
			}
			role = "none"
		}
	}
	return &databaseInfo{role: role, pooled: pooled}, nil
}
