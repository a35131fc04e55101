package cli

import (
	"errors"

	"github.com/botyard/botyard/host/config"
)

// The exit statuses, as the help says them.
const (
	statusDone    = 0
	statusFailed  = 1
	statusUsage   = 2
	statusInvalid = 3
)

// usageError is a wrong use of the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error { return usageError{err} }

// errInvalid is a configuration whose problems were printed already.
var errInvalid = errors.New("the configuration is invalid")

func statusOf(err error) int {
	var wrong usageError
	var problems config.Problems
	var remote *remoteError
	switch {
	case errors.As(err, &wrong):
		return statusUsage
	case errors.As(err, &problems), errors.Is(err, errInvalid), errors.Is(err, errUnfit):
		return statusInvalid
	case errors.As(err, &remote) && len(remote.Problems) > 0:
		return statusInvalid
	}
	return statusFailed
}
