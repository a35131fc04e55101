package bot

import (
	"encoding/json"

	"github.com/botyard/botyard/sdk"
)

// maxRecordPathBytes is the greatest length of the path of an error in a record, in bytes.
const maxRecordPathBytes = 256

// recordCuts are the keys of a record that json leaves out of a record of more than sdk.MaxRecordBytes, in
// this order: first words for people, then what an inspection of the turn needs. What is left has so few
// bytes that it always fits, because each of its texts has a bound.
var recordCuts = []struct {
	key string
	cut func(*record) // changes nothing that the record shares with its copies
}{
	{"memory_problems", func(r *record) { r.MemoryProblems = nil }},
	{"recalled", func(r *record) { r.Sources = nil }},
	{"passed_over.detail", func(r *record) {
		r.PassedOver = append([]passedOver(nil), r.PassedOver...)
		for i := range r.PassedOver {
			r.PassedOver[i].Detail, r.PassedOver[i].Path = "", ""
		}
	}},
	{"replacements", func(r *record) { r.Replacements = nil }},
	{"prompt.variables", func(r *record) {
		if r.Prompt != nil {
			r.Prompt = &recordedPrompt{Name: r.Prompt.Name}
		}
	}},
	{"failure.detail", func(r *record) {
		if r.Failure != nil {
			r.Failure = &Failure{Party: r.Failure.Party, UpstreamStatus: r.Failure.UpstreamStatus}
		}
	}},
	{"callbacks", func(r *record) { r.Callbacks = nil }},
	{"plugins", func(r *record) { r.Plugins = nil }},
	{"passed_over", func(r *record) { r.PassedOver = nil }},
}

// json returns the record as it is stored, in at most sdk.MaxRecordBytes. Escaped texts can have six times
// the bytes of the texts. Of a larger record, json leaves out keys in the order of recordCuts until it
// fits, and lists them in the record's key "cut".
func (r *record) json() json.RawMessage {
	out := r.encode()
	small := *r
	for _, c := range recordCuts {
		if len(out) <= sdk.MaxRecordBytes {
			return out
		}
		c.cut(&small)
		if shorter := small.encode(); len(shorter) < len(out) { // else the record does not have the key
			small.Cut = append(small.Cut[:len(small.Cut):len(small.Cut)], c.key)
			out = small.encode()
		}
	}
	if len(out) > sdk.MaxRecordBytes { // only a record of another build or of an import has such texts
		least := record{Timings: r.Timings, Recalled: r.Recalled, Tail: r.Tail, Cut: []string{"all"}}
		if r.Failure != nil {
			least.Failure = &Failure{} // it says that callers may read the turn's reason
		}
		return least.encode()
	}
	return out
}

func (r *record) encode() json.RawMessage {
	out, err := json.Marshal(r)
	if err != nil {
		return nil // unreachable, because strings and numbers always marshal
	}
	return out
}

// FitRecord returns a stored record in at most sdk.MaxRecordBytes. Another build of the host may have
// stored a larger one, which no import takes.
func FitRecord(raw json.RawMessage) json.RawMessage {
	if len(raw) <= sdk.MaxRecordBytes {
		return raw
	}
	return readRecord(raw).json()
}
