package bot

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk/llm"
)

// Timings are how long the steps of a turn took, in milliseconds.
type Timings struct {
	WaitMS       float64 `json:"wait_ms"`                  // for its admission on this host
	BeginMS      float64 `json:"begin_ms"`                 // the storage's Begin, and waiting there for turns of other hosts
	RecallMS     float64 `json:"recall_ms,omitempty"`      // the memory; 0 if it is not asked
	FirstTokenMS float64 `json:"first_token_ms,omitempty"` // the model, to the first piece; a part of LLMMS
	LLMMS        float64 `json:"llm_ms"`                   // the model, to the end of the reply
}

// record says how a turn was made. It is stored with the turn, as JSON, and read again by
// later builds: its keys stay.
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

// readRecord reads a kept record; an empty record if that is not possible. It may be of
// another build or imported, so its values may be anything.
func readRecord(raw json.RawMessage) *record {
	r := new(record)
	if len(raw) == 0 || json.Unmarshal(raw, r) != nil {
		return new(record)
	}
	return r
}

// maxFinishReasonBytes bounds a finish reason that was read from a record.
const maxFinishReasonBytes = 64

// fill sets the fields of a reply that the record has.
func (r *record) fill(reply *Reply) {
	reply.Revision = r.Revision
	reply.Model = cleanText(r.Model, maxModelBytes)
	reply.FinishReason = cleanText(cmp.Or(r.FinishReason, llm.FinishUnknown.String()), maxFinishReasonBytes)
	reply.Timings = r.Timings
}

// millis returns d in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
