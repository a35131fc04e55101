package bot

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Failure is what the operator can read in a turn's record of why it did not succeed.
// The turn's reason is what its callers are told, which may be less. Every turn that
// this host ended without success has one, if only an empty one.
type Failure struct {
	Party          string `json:"party,omitempty"`
	Path           string `json:"path,omitempty"`
	Detail         string `json:"detail,omitempty"` // in full; empty where the reason says all
	UpstreamStatus int    `json:"upstream_status,omitempty"`
}

// maxDetail bounds a failure's detail, in bytes.
const maxDetail = 2 << 10

// failureKey is the record's key of a Failure.
const failureKey = "failure"

// newFailure is that of an error; nil of nil.
func newFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	e := fault.Of(err)
	f := &Failure{Party: e.Party.String(), Path: e.Path, UpstreamStatus: e.UpstreamStatus}
	if told := e.ForCallers(); told != e.Error() {
		f.Detail = brief(e.Error(), maxDetail)
	}
	return f
}

// ForCallers gives a turn as those may read it who call the bot and do not operate it:
// without what a plugin or an upstream said.
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
	// Of an earlier host, which kept what the plugin said, or of the storage itself.
	name, _, _ := strings.Cut(t.Reason, ":")
	if class, ok := fault.ParseClass(name); ok {
		t.Reason = reason(class, fault.New(class, "").From(fault.OriginPlugin).ForCallers())
	} else {
		t.Reason = t.State.String()
	}
	return t
}
