package cli

import (
	"errors"

	"github.com/botyard/botyard/host/config"
)

// These constants are the exit statuses, which the help lists.
const (
	statusDone    = 0
	statusFailed  = 1
	statusUsage   = 2
	statusInvalid = 3
)

// usageError is an error in the arguments or flags of the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage marks err as a usageError.
func usage(err error) error { return usageError{err} }

// errInvalid says that a configuration is invalid. Its problems are already printed.
var errInvalid = errors.New("the configuration is invalid")

// statusOf returns the exit status for an error.
func statusOf(err error) int {
	var wrong usageError
	var problems config.Problems
	var remote *remoteError
	switch {
	case errors.As(err, &wrong):
		return statusUsage
	case errors.As(err, &problems), errors.Is(err, errInvalid), errors.Is(err, errDoctorProblems), errors.Is(err, errBrokenRules), errors.Is(err, errInstances):
		return statusInvalid
	case errors.As(err, &remote) && len(remote.Problems) > 0:
		return statusInvalid
	}
	return statusFailed
}
