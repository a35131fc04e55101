package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// setETag sets the revision as the entity tag of the answer. It sets none for an empty
// revision.
func setETag(w http.ResponseWriter, revision string) {
	if revision != "" {
		w.Header().Set("ETag", `"`+revision+`"`)
	}
}

// ifMatch returns the revision that the change is meant for, "*" for any, or "" if the
// header was not given.
func ifMatch(r *http.Request) (string, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return "", nil
	}
	tag := strings.TrimSpace(values[0])
	if len(values) == 1 && tag == "*" {
		return tag, nil
	}
	revision, ok := strings.CutPrefix(tag, `"`)
	revision, closed := strings.CutSuffix(revision, `"`)
	if len(values) > 1 || !ok || !closed || revision == "" || strings.ContainsAny(revision, `",`) {
		return "", malformed("If-Match", `is %s; expected one entity tag in quotes, as ETag has it, or *`, clip(strings.Join(values, ", ")))
	}
	return revision, nil
}

// ifNoneMatch reports whether the tenant must not exist yet.
func ifNoneMatch(r *http.Request) (bool, error) {
	values := r.Header.Values("If-None-Match")
	if len(values) == 0 {
		return false, nil
	}
	if len(values) > 1 || strings.TrimSpace(values[0]) != "*" {
		return false, malformed("If-None-Match", "is %s; expected *", clip(strings.Join(values, ", ")))
	}
	return true, nil
}

// preconditionError returns the conflict errors of the registry as what they are here: 412
// if a precondition failed, else 409. Neither can be retried. Other errors are returned
// as they are.
func preconditionError(err error) error {
	e := fault.Of(err)
	if e.Class != fault.Conflict {
		return err
	}
	lasting := *e
	lasting.Retryable = false
	if e.Path == "If-Match" || e.Path == "If-None-Match" {
		return withStatus(http.StatusPreconditionFailed, &lasting)
	}
	return &lasting
}
