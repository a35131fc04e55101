package pgtest

import (
	"errors"
	"time"
)

// ForeignEnv names the environment variable with the DSN of an existing server.
const ForeignEnv = "BOTYARD_TEST_POSTGRES_DSN"

var (
	// ErrForeign is answered for what only a cluster of the test's own can do.
	ErrForeign = errors.New("pgtest: the server of " + ForeignEnv + " is not the test's own")
	// ErrMissing is answered where binaries are not installed; its message says which.
	ErrMissing = errors.New("pgtest: binaries are missing")
)

// Superuser is the login of every cluster of the test's own.
const Superuser = "postgres"

// patience bounds every wait for a process; a start on a busy machine takes a
// few seconds.
const patience = 60 * time.Second

// Options say what cluster to start. The zero value is a good one.
type Options struct {
	// Dir gets the data folder, for example a small file system; empty for a
	// temporary folder. The servers' user must be able to enter it, see Folder. What
	// is put in it is removed by Close, Dir itself is not.
	Dir string
	// TCP also listens on a free port of 127.0.0.1.
	TCP bool
	// Password of the superuser. Empty lets everybody in without any.
	Password string
	// NoSync makes the server faster and forget when the machine stops.
	NoSync bool
	// Small keeps the data folder below about 50 MB until something is stored.
	Small bool
	// Own is for tests that stop the server, or change what all its databases share: an
	// existing server does not do for them.
	Own bool
	// Settings are lines of postgresql.conf: name to value.
	Settings map[string]string
}

// own says whether the options ask for what only a cluster of the test's own has.
func (o Options) own() bool {
	return o.Own || o.Dir != "" || o.TCP || o.Password != "" || o.Small || len(o.Settings) > 0
}
