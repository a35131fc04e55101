package pgstore

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestLogLimiter checks that a new message is logged at once. A repeated message must be logged
// once a minute, with the number of suppressed lines.
func TestLogLimiter(t *testing.T) {
	var out bytes.Buffer
	s := open0(t, config("host=/nowhere"), migrations)
	s.failures = newLogLimiter(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}))
	now := time.Now()
	s.failures.now = func() time.Time { return now }
	down := &pgconn.PgError{Code: "57P03", Severity: "FATAL", Message: "starting\n\tup"}
	full := &pgconn.PgError{Code: "53300", Message: "full"}
	for _, step := range []struct {
		err   error
		wait  time.Duration
		want  string // a part of the new log line; empty if no line must be logged
		lacks string
	}{
		{err: down, want: "FATAL: starting up", lacks: "left_out"},
		{err: down},
		{err: full, want: "full", lacks: "left_out"},
		{err: down, wait: time.Second},
		{err: full},
		{err: down, wait: repeatAfter - 2*time.Second},
		{err: down, wait: time.Second, want: "left_out=3"},
		{err: full, want: "left_out=1"},
		{err: down, wait: repeatAfter, want: "starting up", lacks: "left_out"},
		{err: fault.New(fault.Conflict, "nothing of the database's")},
	} {
		now = now.Add(step.wait)
		out.Reset()
		if err := s.fail(t.Context(), step.err); err == nil {
			t.Fatal("no error")
		}
		line := out.String()
		switch {
		case step.want == "":
			if line != "" {
				t.Errorf("%v: logged %q", step.err, line)
			}
		case strings.Count(line, "\n") != 1 || !strings.Contains(line, step.want) || step.lacks != "" && strings.Contains(line, step.lacks):
			t.Errorf("%v: logged %q; want a line with %q", step.err, line, step.want)
		}
	}
	if len(s.failures.lines) > 2 {
		t.Errorf("%d answers are remembered", len(s.failures.lines))
	}
}

// TestLogLimiter_databaseDown checks that many failed calls log few messages, and that each message
// is a single line.
func TestLogLimiter_databaseDown(t *testing.T) {
	c, _ := restless(t)
	if err := c.Stop(pgtest.Fast); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cfg := config("user=postgres")
	cfg.Connection = Connection{Host: Hosts{"127.0.0.1", "localhost"}, Port: c.Port()}
	s, err := Open(t.Context(), cfg, sdk.Env{Log: hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true})})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_, err := s.Begin(context.Background(), &storage.BeginRequest{Call: call("t", "c"), Messages: said("hi"), Holder: "h", Lease: maxLease})
		if err == nil {
			t.Error("a begin without a database")
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "\n"); n < 1 || n > 3 {
		t.Errorf("%d lines:\n%s", n, &out)
	}
}
