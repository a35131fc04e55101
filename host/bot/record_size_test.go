package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// largestRecord returns a record each of whose texts is as long as it can be, and is written in JSON with
// six bytes for each of its own.
func largestRecord() *record {
	escaped := func(n int) string { return strings.Repeat("<", n) }
	r := &record{
		Revision: "r1", Host: escaped(255), Model: escaped(maxModelBytes), LLMBlock: "llm.fallback.3", Recalled: 70, Tail: 80, Asked: 90,
		Plugins:        map[string]string{"llm": escaped(512), "memory": escaped(512), "storage": escaped(512)},
		Callbacks:      map[string]services.Total{escaped(64): {}},
		MemoryProblems: slices.Repeat([]string{escaped(memory.MaxProblemBytes)}, memory.MaxProblems),
		Sources:        slices.Repeat([]recalledSource{{Turn: 1 << 60, Of: escaped(maxSourceBytes)}}, maxExplained),
		Replacements:   slices.Repeat([]replacement{{Message: 1 << 30, Part: []int{1 << 30, 1 << 30}, What: "provider_states"}}, maxExplained),
		Replaced:       &replacedParts{ProviderStates: 1 << 30},
		Prompt:         &recordedPrompt{Name: "named", Variables: map[string]string{"turn.user": escaped(sdk.MaxIDBytes), "turn.conversation": escaped(sdk.MaxIDBytes)}},
		PassedOver: slices.Repeat([]passedOver{{Block: "llm.fallback.0", Plugin: escaped(512), Class: "provider_failed", Party: "provider", Path: escaped(maxRecordPathBytes),
			Detail: escaped(maxPassedOverDetail)}}, 4),
		Failure: &Failure{Party: "provider", Path: escaped(maxRecordPathBytes), Detail: escaped(maxDetail), UpstreamStatus: 503},
		Timings: Timings{WaitMS: 1, BeginMS: 2, RecallMS: 3, FirstTokenMS: 4, LLMMS: 5},
	}
	for i := range bounds.PromptMetadataAllBytes / bounds.PromptMetadataBytes {
		r.Prompt.Variables[fmt.Sprint("metadata.", i)] = escaped(bounds.PromptMetadataBytes)
	}
	return r
}

// TestRecord_json checks that no record has more than sdk.MaxRecordBytes, in which order keys are left out,
// and that the record and its inspection say so.
//
// beyond: record of a turn
func TestRecord_json(t *testing.T) {
	small := &record{Revision: "r1", Failure: &Failure{Detail: "d"}}
	if got := readRecord(small.json()); len(got.Cut) != 0 || got.Failure.Detail != "d" {
		t.Errorf("a small record is cut: %+v", got)
	}
	r := largestRecord()
	whole := r.encode()
	if len(whole) <= sdk.MaxRecordBytes {
		t.Fatalf("the largest record has only %d bytes", len(whole))
	}
	raw := r.json()
	got := readRecord(raw)
	if len(raw) > sdk.MaxRecordBytes || !slices.Equal(got.Cut[:2], []string{"memory_problems", "recalled"}) || got.MemoryProblems != nil || got.Sources != nil {
		t.Errorf("%d bytes, without %q", len(raw), got.Cut)
	}
	if got.Failure == nil || got.Failure.UpstreamStatus != 503 || got.Recalled != 70 || got.Timings != r.Timings || len(got.PassedOver) != 4 {
		t.Errorf("%s", raw)
	}
	if again := r.encode(); string(again) != string(whole) {
		t.Error("the turn's own record was changed")
	}

	// Each key alone makes the record too large, so that all keys before it are tried in vain.
	long := strings.Repeat("<", sdk.MaxRecordBytes)
	for key, set := range map[string]func(*record){
		"memory_problems":    func(r *record) { r.MemoryProblems = []string{long} },
		"recalled":           func(r *record) { r.Sources = []recalledSource{{Of: long}} },
		"passed_over.detail": func(r *record) { r.PassedOver = []passedOver{{Detail: long}} },
		"passed_over":        func(r *record) { r.PassedOver = []passedOver{{Plugin: long}} },
		"replacements":       func(r *record) { r.Replacements = []replacement{{What: long}} },
		"prompt.variables":   func(r *record) { r.Prompt = &recordedPrompt{Name: "n", Variables: map[string]string{"a": long}} },
		"failure.detail":     func(r *record) { r.Failure = &Failure{Detail: long} },
		"callbacks":          func(r *record) { r.Callbacks = map[string]services.Total{long: {}} },
		"plugins":            func(r *record) { r.Plugins = map[string]string{"llm": long} },
		"all":                func(r *record) { r.Host = long },
	} {
		t.Run(key, func(t *testing.T) {
			r := &record{Revision: "r1", Recalled: 3}
			set(r)
			raw := r.json()
			got := readRecord(raw)
			if len(raw) > sdk.MaxRecordBytes || !slices.Equal(got.Cut, []string{key}) || got.Recalled != 3 || (r.Failure != nil) != (got.Failure != nil) {
				t.Errorf("%.300s", raw)
			}
			if fit := FitRecord(r.encode()); string(fit) != string(raw) || string(FitRecord(fit)) != string(fit) {
				t.Errorf("a stored record becomes %.300s", fit)
			}
		})
	}
	if raw := FitRecord(json.RawMessage(`["` + long + `"]`)); len(raw) > sdk.MaxRecordBytes {
		t.Errorf("a record in ruins has %d bytes", len(raw))
	}

	s := &logStorage{}
	problems := &problemMemory{Recalled: memory.Recalled{Problems: slices.Repeat([]string{strings.Repeat("<", memory.MaxProblemBytes)}, memory.MaxProblems)}}
	broken := &failingLLM{name: "one", errs: always(fault.New(fault.RateLimited, "%s", strings.Repeat("<", 1<<20)).At(strings.Repeat("<", 1<<20)).From(fault.OriginModel))}
	if _, err := fallingBack(s, broken, &failingLLM{name: "two"}, func(p *Parts) { p.Memory = problems }).Chat(t.Context(), hi, nil); err != nil {
		t.Fatal(err)
	}
	b := newTestBot(s, nil)
	turn, err := b.TurnByNumber(t.Context(), "c", 1)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := b.Inspect(t.Context(), "c", turn)
	if err != nil || len(turn.Record) > sdk.MaxRecordBytes || !strings.Contains(strings.Join(shown.Gaps, "\n"), "kept without memory_problems") {
		t.Errorf("a record of %d bytes, %v, gaps %q", len(turn.Record), err, shown.Gaps)
	}
}
