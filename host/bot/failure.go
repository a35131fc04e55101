package bot

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// Failure tells the operator why a turn did not succeed. It is a part of the turn's record.
// Callers see only the turn's reason, which may say less. Every turn that this host ended as
// failed or interrupted has a Failure. A Failure may be empty.
type Failure struct {
	Party          string `json:"party,omitempty"`
	Path           string `json:"path,omitempty"`
	Detail         string `json:"detail,omitempty"` // text of the complete error; empty if the turn's reason has all of it
	UpstreamStatus int    `json:"upstream_status,omitempty"`
}

// maxDetail is the greatest length of Failure.Detail, in bytes.
const maxDetail = 2 << 10

// failureKey is the JSON key of the Failure in a turn's record.
const failureKey = "failure"

// newFailure returns the Failure for err. It returns nil if err is nil.
func newFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	e := fault.Of(err)
	f := &Failure{Party: e.Party.String(), Path: e.Path.String(), UpstreamStatus: e.UpstreamStatus}
	if told := e.ForCallers(); told != e.Error() {
		f.Detail = cleanText(e.Error(), maxDetail)
	}
	return f
}

// turnReason returns the reason to store with a turn that did not succeed.
func turnReason(class fault.Class, sentence string) string {
	return cleanText(class.String()+": "+sentence, sdk.MaxReasonBytes)
}

// ForCallers returns the turn as a caller may read it. It removes the turn's Failure. If the
// turn has no Failure, ForCallers replaces the turn's reason, because a plugin or an upstream
// may have written the reason.
func ForCallers(t Turn) Turn {
	var record map[string]json.RawMessage
	if len(t.Record) > 0 && json.Unmarshal(t.Record, &record) != nil {
		t.Record, record = nil, nil
	}
	if _, ok := record[failureKey]; ok {
		delete(record, failureKey)
		t.Record, _ = json.Marshal(record) // the record was decoded from JSON, so Marshal cannot fail
		return t
	}
	if t.Reason == "" {
		return t
	}
	// A turn without a Failure was ended by the storage, or by an earlier build of the host,
	// whose reasons quote plugins.
	name, _, _ := strings.Cut(t.Reason, ":")
	if class, ok := fault.ParseClass(name); ok {
		t.Reason = turnReason(class, fault.New(class, "").From(fault.OriginPlugin).ForCallers())
	} else {
		t.Reason = t.State.String()
	}
	return t
}
