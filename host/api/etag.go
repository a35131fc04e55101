package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// setETag sets the header ETag of the response to the revision. It does nothing if the revision is
// empty.
func setETag(w http.ResponseWriter, revision string) {
	if revision != "" {
		w.Header().Set("ETag", `"`+revision+`"`)
	}
}

// ifMatch returns the revision in the header If-Match, "*" for any revision, or "" if the header is
// missing.
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

// ifNoneMatch reports whether the header If-None-Match requires that the tenant does not exist yet.
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

// preconditionError sets the status of a conflict error of the registry: 412 if a precondition of
// the request failed, and 409 for any other conflict. The resulting error is not retryable. Errors
// of other classes are returned unchanged.
func preconditionError(err error) error {
	e := fault.Of(err)
	if e.Class != fault.Conflict {
		return err
	}
	lasting := *e
	lasting.Retryable = false
	if path := e.Path.String(); path == "If-Match" || path == "If-None-Match" {
		return withStatus(http.StatusPreconditionFailed, &lasting)
	}
	return &lasting
}
