package cli

import (
	"errors"

	"github.com/botyard/botyard/host/config"
)

// The exit statuses. The help lists them.
const (
	statusDone    = 0
	statusFailed  = 1
	statusUsage   = 2
	statusInvalid = 3
)

// usageError is an error in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage returns err as an error of usage.
func usage(err error) error { return usageError{err} }

// errInvalid is the error for a configuration whose problems were printed already.
var errInvalid = errors.New("the configuration is invalid")

// statusOf returns the exit status for an error.
func statusOf(err error) int {
	var wrong usageError
	var problems config.Problems
	var remote *remoteError
	switch {
	case errors.As(err, &wrong):
		return statusUsage
	case errors.As(err, &problems), errors.Is(err, errInvalid), errors.Is(err, errDoctorProblems):
		return statusInvalid
	case errors.As(err, &remote) && len(remote.Problems) > 0:
		return statusInvalid
	}
	return statusFailed
}
