package pgtest

import (
	"errors"
	"time"
)

// ForeignEnv is the name of the environment variable that has the DSN of an existing server.
const ForeignEnv = "BOTYARD_TEST_POSTGRES_DSN"

var (
	// ErrForeign is the error of operations that are impossible on an existing server.
	ErrForeign = errors.New("pgtest: the server of " + ForeignEnv + " is not the test's own")
	// ErrMissing is the error when binaries are not installed. The error text names them.
	ErrMissing = errors.New("pgtest: binaries are missing")
)

// Superuser is the superuser's role on each server that this package starts.
const Superuser = "postgres"

// processTimeout is the bound of each wait for a process. It is long, because a start on a busy machine
// may take many seconds.
const processTimeout = 60 * time.Second

// Options describe the cluster that Start creates. The zero value is valid.
type Options struct {
	// Dir is the folder in which the data folder is created, for example on a small file system. If Dir is
	// empty, the data folder is temporary. The account that runs the servers must have access to Dir, see
	// Folder. Close removes the data folder but keeps Dir.
	Dir string
	// TCP makes the server listen on a free port of 127.0.0.1 in addition to the unix socket.
	TCP bool
	// Password is the password of the superuser. If Password is empty, every role can log in without a
	// password.
	Password string
	// NoSync turns off fsync, which makes the server faster. The server may lose data when the machine
	// crashes.
	NoSync bool
	// Small keeps a new data folder below about 50 MB.
	Small bool
	// Own is for tests that stop the server, or that change what all its databases share. An existing
	// server cannot be used for these tests.
	Own bool
	// Settings are settings for postgresql.conf by name.
	Settings map[string]string
}

// own reports whether the options exclude the use of an existing server.
func (o Options) own() bool {
	return o.Own || o.Dir != "" || o.TCP || o.Password != "" || o.Small || len(o.Settings) > 0
}
