package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
)

// Standby makes a standby cluster, which replicates this one and accepts reads. It listens on TCP if
// this one does. Close of this cluster closes it, unless the caller does so earlier.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	if c.foreign != "" {
		return nil, ErrForeign
	}
	opts := c.opts
	opts.Dir = "" // each server needs a folder of its own
	s, err := prepare(opts)
	if err != nil {
		return nil, err
	}
	_, err = run(ctx, c.as, nil, filepath.Join(c.bin, "pg_basebackup"), "-d", c.DSN(""), "-D", s.data,
		"-X", "stream", "-c", "fast", "-R", "--no-sync")
	if err != nil {
		return nil, s.abandon(err)
	}
	// The copied configuration still has the addresses of this cluster.
	if err := s.configure(); err != nil {
		return nil, s.abandon(err)
	}
	if err := s.start(ctx); err != nil {
		return nil, s.abandon(err)
	}
	c.closeLater(s.Close)
	return s, nil
}

// Promote makes a standby a primary and waits until it takes writes.
func (c *Cluster) Promote(ctx context.Context) error {
	if c.foreign != "" {
		return ErrForeign
	}
	_, err := run(ctx, c.as, nil, filepath.Join(c.bin, "pg_ctl"), "promote", "-w", "-D", c.data,
		"-t", fmt.Sprint(int(processTimeout.Seconds())))
	return err
}

// CaughtUp waits until the standby has applied all that this cluster has written.
func (c *Cluster) CaughtUp(ctx context.Context, standby *Cluster) error {
	if c.foreign != "" {
		return ErrForeign
	}
	at, err := c.Exec(ctx, "", "select pg_current_wal_insert_lsn()")
	if err != nil {
		return err
	}
	return eventually(ctx, "the standby to catch up", func() (bool, error) {
		done, err := standby.Exec(ctx, "", fmt.Sprintf("select pg_last_wal_replay_lsn() >= '%s'", at))
		return done == "t", err
	})
}
