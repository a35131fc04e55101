package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// adopt creates a database on the existing server and returns a cluster for it.
func adopt(ctx context.Context, dsn string) (*Cluster, error) {
	c := &Cluster{foreign: dsn}
	name := "botyard_test_" + strings.ToLower(rand.Text()[:10])
	psql, err := psqlOnly()
	if err != nil {
		return nil, err
	}
	if _, err := run(ctx, nil, nil, psql, "-XAtq", "-d", dsn, "-c", "create database "+name+" template template0"); err != nil {
		return nil, fmt.Errorf("%s: %w", ForeignEnv, err)
	}
	c.database, c.drop = name, []string{name}
	return c, nil
}

// dropDatabases drops all databases that this cluster has created on the existing server.
func (c *Cluster) dropDatabases() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	psql, err := psqlOnly()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range c.drop {
		_, err := run(context.Background(), nil, nil, psql, "-XAtq", "-d", c.foreign,
			"-c", "drop database if exists "+name+" with (force)")
		errs = append(errs, err)
	}
	c.drop = nil
	return errors.Join(errs...)
}
