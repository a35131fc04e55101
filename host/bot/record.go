package bot

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk/llm"
)

// Timings are what took how long in a turn, in milliseconds.
type Timings struct {
	WaitMS       float64 `json:"wait_ms"`                  // for the tenant's and the conversation's turn on this host
	BeginMS      float64 `json:"begin_ms"`                 // the storage, and hosts before this one
	RecallMS     float64 `json:"recall_ms,omitempty"`      // the memory, where it is asked
	FirstTokenMS float64 `json:"first_token_ms,omitempty"` // the provider, to the first piece; part of LLMMS
	LLMMS        float64 `json:"llm_ms"`                   // the provider, to the end
}

// record says how a turn was made. It is stored with the turn, as JSON.
type record struct {
	Revision     string            `json:"revision"`
	Host         string            `json:"host"`
	Plugins      map[string]string `json:"plugins"`
	Model        string            `json:"model,omitempty"`
	FinishReason string            `json:"finish_reason,omitempty"`
	Recalled     int               `json:"recalled_messages"`
	OlderLeftOut bool              `json:"older_left_out,omitempty"` // messages that are too many bytes to be shown
	// AskedAgain is how often the model was asked anew because the plugin's process ended.
	AskedAgain int `json:"asked_again,omitempty"`
	Asked      int `json:"asked_messages,omitempty"` // with OlderLeftOut: that Recalled would be at most without that
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

// readRecord reads what a turn's record tells its reply: by an earlier host perhaps, or
// imported, and so nothing in it is relied on.
func readRecord(raw json.RawMessage) *record {
	r := new(record)
	if len(raw) == 0 || json.Unmarshal(raw, r) != nil {
		return new(record)
	}
	return r
}

// maxFinishReasonBytes bounds a reason that a later host or an import brought.
const maxFinishReasonBytes = 64

// tell puts into a reply how it came about.
func (r *record) tell(reply *Reply) {
	reply.Revision = r.Revision
	reply.Model = brief(r.Model, maxModelBytes)
	reply.FinishReason = brief(cmp.Or(r.FinishReason, llm.FinishUnknown.String()), maxFinishReasonBytes)
	reply.Timings = r.Timings
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
