package bot

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// isUncertain reports whether err does not say if the call had its effect, or comes from a
// plugin that is being restarted. The same call may succeed if it is repeated.
func isUncertain(err error) bool {
	switch e := fault.Of(err); e.Class {
	case fault.PluginUnavailable, fault.Deadline:
		return true
	case fault.ProviderFailed: // an error of the storage's database
		return e.Retryable
	default:
		return false
	}
}

// isSilentOnEffect reports whether err does not say if the call had its effect, because the
// call broke off. Unlike an error of isUncertain, the error does not go away by itself.
func isSilentOnEffect(err error) bool {
	switch fault.Of(err).Class {
	case fault.Internal, fault.Canceled:
		return true
	default:
		return false
	}
}

// isPassing reports whether an error of Commit goes away by itself, so that a repeated Commit
// may succeed.
func isPassing(err error) bool {
	if e := fault.Of(err); e.Class == fault.RateLimited {
		return e.RetryAfter > 0
	}
	return isUncertain(err)
}

// isOver reports whether an error of Commit says that the turn has already ended in another
// way, or that its conversation no longer exists.
func isOver(err error) bool { return fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) }

// storageBroken returns the error for a storage whose response breaks the protocol.
func storageBroken(format string, args ...any) error {
	return fault.New(fault.Internal, "the storage "+format, args...).By(fault.PartyPlugin)
}

// notKept returns the error for a reply that the storage did not store. The rules of package
// fault for errors of a storage choose its class and party.
func notKept(err error) error {
	e := fault.Of(err)
	const lost = "the reply was not kept: "
	as := func(class fault.Class, why string) *fault.Error {
		return fault.New(class, lost+why+": %w", err).Telling(lost+"%s", why).From(fault.OriginStorage)
	}
	switch {
	case isOver(err):
		return as(fault.Conflict, "the conversation was deleted, taken over by another host, or lost with its storage, while the turn ran").
			After(time.Second)
	case isUncertain(err):
		out := *e
		out.Message, out.Told, out.Path, out.Err = lost+e.Message, lost+e.ForCallers(), nil, err
		return &out
	case isPassing(err):
		return as(fault.ProviderFailed, "the storage takes no more for now").After(e.RetryAfter)
	case e.Class == fault.QuotaExhausted, e.Class == fault.Unauthenticated, e.Class == fault.Forbidden: // classes that concern the tenant's account at the upstream
		return as(e.Class, "the storage refused it")
	}
	return as(fault.Internal, "the storage refused it")
}
