package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// setETag gives the revision as an entity tag. A tenant that has none yet has no
// tag.
func setETag(w http.ResponseWriter, revision string) {
	if revision != "" {
		w.Header().Set("ETag", `"`+revision+`"`)
	}
}

// ifMatch gives the revision that a change is meant for, "*" for any, or "".
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

// ifNoneMatch says whether the tenant must not exist yet.
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

// preconditioned gives the conflicts of the registry their meaning here. Neither
// kind goes away by waiting.
func preconditioned(err error) error {
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
