package pgstore

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"github.com/hashicorp/go-hclog"
)

func config(dsn string) Config {
	return Config{DSN: dsn, Schema: "botyard", PoolSize: 20, MaxOverflow: 10, ConnectTimeout: 5, StatementTimeout: 10}
}

// env returns an environment that discards logs. If BOTYARD_TEST_LOG is set, it logs to standard
// error.
func env() sdk.Env {
	if os.Getenv("BOTYARD_TEST_LOG") == "" {
		return sdk.Env{Log: hclog.NewNullLogger()}
	}
	return sdk.Env{Log: hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Debug})}
}

// open opens a Store. The cleanup of the test closes the Store.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg, env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func kit(t *testing.T, dsn string, opts ...storagetest.Option) {
	t.Helper()
	opener := func(ctx context.Context) (storage.Storage, error) { return Open(ctx, config(dsn), env()) }
	opts = append(opts, storagetest.Features(feature.Retract), storagetest.Durable(), storagetest.Peers(opener, opener),
		reported(t))
	if err := storagetest.Test(t.Context(), opener, opts...); err != nil {
		t.Fatal(err)
	}
}

// reported logs the duration and the outcome of each rule.
func reported(t *testing.T) storagetest.Option {
	return storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
		outcome := "kept"
		switch {
		case errors.Is(err, storagetest.ErrSkip):
			outcome = "skipped"
		case err != nil:
			outcome = "BROKEN"
		}
		t.Logf("%-22s %6.0f ms  %s", r.Name, float64(took.Milliseconds()), outcome)
	})
}

// The tests of the conformance kit are parallel tests, so that they run after all other tests. Each
// of them has its own database.

func TestConformance(t *testing.T) {
	t.Parallel()
	var opts []storagetest.Option
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	kit(t, cluster(t).DSN(database(t)), opts...)
}

func TestConformance_pooler(t *testing.T) {
	t.Parallel()
	b, err := pgtest.PgBouncer(t.Context(), cluster(t))
	pgtest.Check(t, err)
	kit(t, b.DSN(database(t)), storagetest.Short())
}
