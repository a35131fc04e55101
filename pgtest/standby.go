package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
)

// Standby creates a standby of this cluster, which replicates this cluster and accepts reads. The standby
// listens on TCP if this cluster does. Close of this cluster closes the standby if the caller has not
// closed it.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	if c.foreign != "" {
		return nil, ErrForeign
	}
	opts := c.opts
	opts.Dir = "" // the standby needs a data folder of its own
	s, err := prepare(opts)
	if err != nil {
		return nil, err
	}
	_, err = run(ctx, c.as, nil, filepath.Join(c.bin, "pg_basebackup"), "-d", c.DSN(""), "-D", s.data,
		"-X", "stream", "-c", "fast", "-R", "--no-sync")
	if err != nil {
		return nil, s.abandon(err)
	}
	// The copied settings have the socket and port of this cluster, so configure writes the standby's own.
	if err := s.configure(); err != nil {
		return nil, s.abandon(err)
	}
	if err := s.start(ctx); err != nil {
		return nil, s.abandon(err)
	}
	c.closeLater(s.Close)
	return s, nil
}

// Promote makes a standby the primary and waits until it accepts writes.
func (c *Cluster) Promote(ctx context.Context) error {
	if c.foreign != "" {
		return ErrForeign
	}
	_, err := run(ctx, c.as, nil, filepath.Join(c.bin, "pg_ctl"), "promote", "-w", "-D", c.data,
		"-t", fmt.Sprint(int(processTimeout.Seconds())))
	return err
}

// CaughtUp waits until the standby has applied everything that this cluster has written before the call.
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
