package bot

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Failure tells the operator why a turn did not succeed. It is a part of the turn's record.
// Callers read the turn's reason, which may say less. Every turn that this host ended without
// success has a Failure, which may be empty.
type Failure struct {
	Party          string `json:"party,omitempty"`
	Path           string `json:"path,omitempty"`
	Detail         string `json:"detail,omitempty"` // the whole error; empty if the reason says all of it
	UpstreamStatus int    `json:"upstream_status,omitempty"`
}

// maxDetail bounds a failure's detail, in bytes.
const maxDetail = 2 << 10

// failureKey is the record's key of a Failure.
const failureKey = "failure"

// newFailure returns the Failure for an error; nil for nil.
func newFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	e := fault.Of(err)
	f := &Failure{Party: e.Party.String(), Path: e.Path, UpstreamStatus: e.UpstreamStatus}
	if told := e.ForCallers(); told != e.Error() {
		f.Detail = cleanText(e.Error(), maxDetail)
	}
	return f
}

// turnReason returns the reason that is stored with a turn that did not succeed.
func turnReason(class fault.Class, sentence string) string {
	return cleanText(class.String()+": "+sentence, sdk.MaxReasonBytes)
}

// ForCallers returns a turn as callers of the bot may read it: without its Failure, and
// without a reason that a plugin or an upstream may have written.
func ForCallers(t storage.Turn) storage.Turn {
	var record map[string]json.RawMessage
	if len(t.Record) > 0 && json.Unmarshal(t.Record, &record) != nil {
		t.Record, record = nil, nil
	}
	if _, ok := record[failureKey]; ok {
		delete(record, failureKey)
		t.Record, _ = json.Marshal(record) // it was read from JSON
		return t
	}
	if t.Reason == "" {
		return t
	}
	// A turn without a Failure was ended by an earlier build, which kept what the plugin
	// said, or by the storage itself.
	name, _, _ := strings.Cut(t.Reason, ":")
	if class, ok := fault.ParseClass(name); ok {
		t.Reason = turnReason(class, fault.New(class, "").From(fault.OriginPlugin).ForCallers())
	} else {
		t.Reason = t.State.String()
	}
	return t
}
