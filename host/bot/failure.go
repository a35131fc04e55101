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

// recordForCallers maps the JSON keys of a turn's record whose values have words of plugins and upstreams
// to what callers may read of such a value. A nil function means that they may read nothing of it.
var recordForCallers = map[string]func(json.RawMessage) json.RawMessage{
	failureKey:        nil,
	"memory_problems": nil,
	"passed_over":     passedOverForCallers,
	"recalled":        sourcesForCallers,
}

// passedOverForCallers returns the list of models that were passed over as callers may read it: without
// the parties, the paths and the texts of plugins and upstreams. raw is that list in a stored record.
// For a raw that cannot be decoded, passedOverForCallers returns an empty list.
func passedOverForCallers(raw json.RawMessage) json.RawMessage {
	var models []passedOver
	if json.Unmarshal(raw, &models) != nil {
		models = nil
	}
	told := make([]passedOver, len(models))
	for i, m := range models {
		told[i] = passedOver{Block: m.Block, Plugin: m.Plugin, UpstreamStatus: m.UpstreamStatus, Asked: m.Asked, TookMS: m.TookMS}
		if class, ok := fault.ParseClass(m.Class); ok {
			told[i].Class = class.String()
		}
	}
	out, _ := json.Marshal(told) // strings and numbers always marshal
	return out
}

// sourcesForCallers returns the sources of recalled items as callers may read them: without the names
// that the memory gives to facts and to other conversations. raw is that list in a stored record. For a
// raw that cannot be decoded, sourcesForCallers returns an empty list.
func sourcesForCallers(raw json.RawMessage) json.RawMessage {
	var sources []recalledSource
	if json.Unmarshal(raw, &sources) != nil {
		sources = nil
	}
	told := make([]recalledSource, len(sources))
	for i, s := range sources {
		if s.Of == "" { // the number of a turn means nothing without its conversation
			told[i].Turn, told[i].Summary = s.Turn, s.Summary
		}
	}
	out, _ := json.Marshal(told) // numbers always marshal
	return out
}

// newFailure returns the Failure for err. It returns nil if err is nil.
func newFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	e := fault.Of(err)
	f := &Failure{Party: e.Party.String(), Path: cleanText(e.Path.String(), maxRecordPathBytes), UpstreamStatus: e.UpstreamStatus}
	if told := e.ForCallers(); told != e.Error() {
		f.Detail = cleanText(e.Error(), maxDetail)
	}
	return f
}

// turnReason returns the reason to store with a turn that did not succeed.
func turnReason(class fault.Class, sentence string) string {
	return cleanText(class.String()+": "+sentence, sdk.MaxReasonBytes)
}

// ForCallers returns the turn as a caller may read it. It removes from the record what plugins and
// upstreams have said, as recordForCallers says. If the turn has no Failure, ForCallers replaces the
// turn's reason, because a plugin or an upstream may have written the reason.
func ForCallers(t Turn) Turn {
	var record map[string]json.RawMessage
	if len(t.Record) > 0 && json.Unmarshal(t.Record, &record) != nil {
		t.Record, record = nil, nil
	}
	_, failed := record[failureKey]
	changed := false
	for key, view := range recordForCallers {
		raw, ok := record[key]
		switch {
		case !ok:
			continue
		case view == nil:
			delete(record, key)
		default:
			record[key] = view(raw)
		}
		changed = true
	}
	if changed {
		t.Record, _ = json.Marshal(record) // the record was decoded from JSON, so Marshal cannot fail
	}
	if failed || t.Reason == "" {
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
