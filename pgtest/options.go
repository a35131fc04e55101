package pgtest

import (
	"errors"
	"time"
)

// ForeignEnv names the environment variable with the DSN of an existing server.
const ForeignEnv = "BOTYARD_TEST_POSTGRES_DSN"

var (
	// ErrForeign is returned for operations that are not possible on an existing server.
	ErrForeign = errors.New("pgtest: the server of " + ForeignEnv + " is not the test's own")
	// ErrMissing is returned when binaries are not installed. Its message says which.
	ErrMissing = errors.New("pgtest: binaries are missing")
)

// Superuser is the login of every cluster of the test's own.
const Superuser = "postgres"

// processTimeout bounds every wait for a process. A start on a busy machine takes a few seconds.
const processTimeout = 60 * time.Second

// Options say what cluster to start. The zero value is useful.
type Options struct {
	// Dir is where the data folder is made, for example on a small file system; empty for a
	// temporary folder. The servers' user must be able to enter it, see Folder. Close removes
	// the data folder, and not Dir itself.
	Dir string
	// TCP also listens on a free port of 127.0.0.1.
	TCP bool
	// Password of the superuser. If empty, everybody may log in without a password.
	Password string
	// NoSync makes the server faster. It may lose data when the machine stops.
	NoSync bool
	// Small keeps the data folder below about 50 MB until something is stored.
	Small bool
	// Own is for tests that stop the server, or change what all its databases share. They
	// cannot use an existing server.
	Own bool
	// Settings are lines of postgresql.conf: name to value.
	Settings map[string]string
}

// own reports whether the options need a cluster of the test's own.
func (o Options) own() bool {
	return o.Own || o.Dir != "" || o.TCP || o.Password != "" || o.Small || len(o.Settings) > 0
}
