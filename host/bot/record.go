package bot

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk/llm"
)

// Timings are how long the steps of a turn took, in milliseconds.
type Timings struct {
	WaitMS       float64 `json:"wait_ms"`                  // until this host admitted the turn
	BeginMS      float64 `json:"begin_ms"`                 // the storage's Begin, with the wait for turns of other hosts
	RecallMS     float64 `json:"recall_ms,omitempty"`      // the memory's Recall; 0 if the memory is not asked
	FirstTokenMS float64 `json:"first_token_ms,omitempty"` // from the model's call to the first piece; a part of LLMMS
	LLMMS        float64 `json:"llm_ms"`                   // from the model's call to the end of the reply
}

// record says how a turn was made: by which plugins, on which host, in what time. It is
// stored with the turn as JSON. Later builds read it, so its keys must not change.
type record struct {
	Revision     string            `json:"revision"`
	Host         string            `json:"host"`
	Plugins      map[string]string `json:"plugins"`
	Model        string            `json:"model,omitempty"`
	FinishReason string            `json:"finish_reason,omitempty"`
	Recalled     int               `json:"recalled_messages"` // earlier messages that the model was shown
	// OlderLeftOut reports that the model was not shown all earlier messages, because they
	// have too many bytes. Asked is then how many it would have been shown at most.
	OlderLeftOut bool `json:"older_left_out,omitempty"`
	// AskedAgain is how often the model was called again because the plugin's process ended.
	AskedAgain int `json:"asked_again,omitempty"`
	Asked      int `json:"asked_messages,omitempty"`
	Timings
	Failure *Failure `json:"failure,omitempty"`

	started time.Time
}

func newRecord(b *Bot) *record {
	return &record{Revision: b.Revision, Host: b.Host, Plugins: b.Plugins, started: time.Now()}
}

func (r *record) json() json.RawMessage {
	out, err := json.Marshal(r)
	if err != nil {
		return nil // unreachable: strings and numbers
	}
	return out
}

// readRecord reads a stored record. If it cannot be read, readRecord returns an empty one.
// Another build may have written it, or it may have been imported, so its values can be
// anything.
func readRecord(raw json.RawMessage) *record {
	r := new(record)
	if len(raw) == 0 || json.Unmarshal(raw, r) != nil {
		return new(record)
	}
	return r
}

// maxFinishReasonBytes bounds a finish reason that was read from a record.
const maxFinishReasonBytes = 64

// fill copies the record's values into the reply.
func (r *record) fill(reply *Reply) {
	reply.Revision = r.Revision
	reply.Model = cleanText(r.Model, maxModelBytes)
	reply.FinishReason = cleanText(cmp.Or(r.FinishReason, llm.FinishUnknown.String()), maxFinishReasonBytes)
	reply.Timings = r.Timings
}

// millis returns d in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
