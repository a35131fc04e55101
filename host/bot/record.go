package bot

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
)

// Timings are how long the steps of a turn took, in milliseconds.
type Timings struct {
	WaitMS       float64 `json:"wait_ms"`                  // wait until this host admitted the turn
	BeginMS      float64 `json:"begin_ms"`                 // the storage's Begin, including the wait for turns of other hosts
	RecallMS     float64 `json:"recall_ms,omitempty"`      // the memory's Recall; 0 if the memory has no Recall
	FirstTokenMS float64 `json:"first_token_ms,omitempty"` // from the model's call to the first piece of the reply; a part of LLMMS
	LLMMS        float64 `json:"llm_ms"`                   // from the model's call to the end of the reply
}

// record is what is stored of how a turn was made: its revision, plugins, host and timings. It
// is stored with the turn as JSON. Later builds of the host read it, so its keys must not
// change.
type record struct {
	Revision     string            `json:"revision"`
	Host         string            `json:"host"`
	Plugins      map[string]string `json:"plugins"`
	Model        string            `json:"model,omitempty"`
	FinishReason string            `json:"finish_reason,omitempty"`
	Recalled     int               `json:"recalled_messages"` // number of earlier messages that adapt got; it may have left out some of them
	// OlderLeftOut reports that the model was not shown all earlier messages, because they have
	// too many bytes. Asked is then the greatest number of earlier messages that the model
	// could have been shown.
	OlderLeftOut bool `json:"older_left_out,omitempty"`
	// LLMBlock is the path of the block of the model that replied. If none replied, it is that of the
	// model that was asked last. It is empty for the first model.
	LLMBlock string `json:"llm_block,omitempty"`
	// PassedOver has the models that were asked before that model, in their order, and why they did
	// not reply.
	PassedOver []passedOver `json:"passed_over,omitempty"`
	// AskedAgain is how often a model was called again because the plugin's process ended.
	AskedAgain int `json:"asked_again,omitempty"`
	Asked      int `json:"asked_messages,omitempty"`
	// Callbacks has what the memory used of its nested plugins for the recall, by role.
	Callbacks map[string]services.Total `json:"callbacks,omitempty"`
	// MemoryProblems are sentences of the memory about what went wrong although it could recall.
	MemoryProblems []string `json:"memory_problems,omitempty"`
	// Context says how the messages were made to fit into the model's context. It is nil if the messages
	// are so few that no estimate is needed, or if the host does not know the size of the context.
	Context *contextRecord `json:"context,omitempty"`
	// Tail is how many of the newest messages of the log the earlier messages were taken from. It is 0
	// if no message was left out between the earlier messages, and if the memory chose them.
	Tail int `json:"tail_messages,omitempty"`
	// Sources says where the items are from that the memory chose; it has maxExplained of them at most.
	// Retracted is how many items were left out because their turns were retracted.
	Sources   []recalledSource `json:"recalled,omitempty"`
	Retracted int              `json:"recalled_retracted,omitempty"`
	// Replacements has the places of the first parts that adapt replaced or left out, maxExplained at
	// most.
	Replacements []replacement `json:"replacements,omitempty"`
	// Replaced counts the parts of earlier messages that the host replaced or left out for the model.
	// It is nil if there are none.
	Replaced *replacedParts `json:"replaced_parts,omitempty"`
	// Prompt has the name and the variables of the prompt. It is nil for a system prompt without
	// variables.
	Prompt *recordedPrompt `json:"prompt,omitempty"`
	// Cut lists the keys that json left out because the record would be too large.
	Cut []string `json:"cut,omitempty"`
	Timings
	Failure *Failure `json:"failure,omitempty"`

	started time.Time
}

// recordedPrompt says which prompt a turn had, and has the values of the prompt's variables by their
// names.
type recordedPrompt struct {
	Name      string            `json:"name,omitempty"` // empty for the system prompt
	Variables map[string]string `json:"variables,omitempty"`
}

// passedOver says why a model did not reply, so that the next one was asked. Callers do not see Party,
// Path and Detail.
type passedOver struct {
	Block          string  `json:"block"`  // path of the model's block
	Plugin         string  `json:"plugin"` // "name version", or the name alone if no instance was opened
	Class          string  `json:"class"`
	Party          string  `json:"party,omitempty"`
	Path           string  `json:"path,omitempty"`
	UpstreamStatus int     `json:"upstream_status,omitempty"`
	Asked          int     `json:"asked"` // how often the model was called; 0 if its instance could not be opened or cannot take the request
	TookMS         float64 `json:"took_ms"`
	Detail         string  `json:"detail,omitempty"`

	class fault.Class
}

// maxPassedOverDetail is the greatest length of passedOver.Detail, in bytes.
const maxPassedOverDetail = 512

func newRecord(b *Bot) *record {
	return &record{Revision: b.Revision, Host: b.Host, Plugins: b.Plugins, started: time.Now()}
}

// readRecord decodes a stored record. If raw cannot be decoded, readRecord returns an empty
// record. Another build of the host or an import may have written the record, so its values can
// be anything.
func readRecord(raw json.RawMessage) *record {
	r := new(record)
	if len(raw) == 0 || json.Unmarshal(raw, r) != nil {
		return new(record)
	}
	return r
}

// maxRecorded is the greatest number of earlier messages that a turn takes from the log: the largest tail,
// and the message whose calls the new messages answer.
const maxRecorded = memory.MaxTail + 1

// clipTail bounds the numbers of messages that a reader of the record takes from the log. Another build of
// the host or an import may have written any number. clipTail returns false if the numbers are within
// their bounds. Otherwise it returns the greater one of the numbers, as it was. If the memory chose the
// messages, their number stays as it is, because nobody reads them from the log.
func (r *record) clipTail() (clipped bool, was int) {
	was = r.Tail
	if r.RecallMS <= 0 {
		was = max(was, r.Recalled)
		r.Recalled = min(r.Recalled, maxRecorded)
	}
	r.Tail = min(r.Tail, maxRecorded)
	return was > maxRecorded, was
}

// CheckRecord returns an error if the record has numbers of messages that no turn of a host has. Such a
// record is refused when turns are imported. A record that cannot be decoded is right: it counts as empty.
func CheckRecord(raw json.RawMessage) error {
	r := readRecord(raw)
	if clipped, was := r.clipTail(); clipped {
		return fault.New(fault.Invalid, "names %d earlier messages that the model was shown; a turn takes %d from the log at most", was, maxRecorded)
	}
	if r.Recalled < 0 || r.Tail < 0 {
		return fault.New(fault.Invalid, "names a number of earlier messages below 0")
	}
	return nil
}

// maxFinishReasonBytes is the greatest length of a finish reason that is read from a stored
// record.
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
