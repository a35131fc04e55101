package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// manifold returns turns that together use every field and every kind of part that a turn can
// have.
func manifold() []storage.Turn {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	return []storage.Turn{{
		Sequence: 1, Number: 1, State: storage.Succeeded, User: "u", Key: "k", StartedAt: at, EndedAt: at.Add(time.Second),
		Usage: storage.EncodeUsage(chat.Usage{InputTokens: 1, OutputTokens: 2, CachedInputTokens: 3, ReasoningTokens: 4}), Metadata: json.RawMessage(`{"a":"<\u2028>"}`), Record: json.RawMessage(`{"n":1.50}`),
		Messages: storage.EncodeMessages(
			chat.Message{Role: chat.User, Parts: []chat.Part{{Text: "snow ☃ <b>\n\"'\\ \u2028 \U0001F600"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 1, 255}}}, {Media: &chat.Media{Kind: chat.Image, URL: "https://x/?a&b"}}}},
			chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte{9}}}, {ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: `{"x":1}`}}, {Text: ""}}},
			chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "f", Parts: []chat.Part{{Text: "42"}}, IsError: true}}}},
			chat.Text(chat.Assistant, "42"),
		),
	}, {
		Sequence: 2, State: storage.Failed, Reason: "provider_failed: it did", StartedAt: at, EndedAt: at, Messages: storage.EncodeMessages(chat.Text(chat.User, "")),
	}, {
		Sequence: 3, State: storage.Interrupted, Reason: "canceled: it was", User: "other", StartedAt: at, EndedAt: at.Add(time.Hour), Messages: storage.EncodeMessages(chat.Text(chat.User, "x")),
	}, {
		Sequence: 4, Number: 2, State: storage.Succeeded, StartedAt: at, EndedAt: at.Add(2 * time.Hour), Messages: storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("long ", 50_000)), chat.Text(chat.Assistant, "y")),
	}}
}

func TestExport_roundTrip(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		t.Run(fmt.Sprint("tracked ", tracked), func(t *testing.T) {
			on := newTestStorages()
			var shared storage.TenantStore
			if tracked {
				shared = newTenantStore()
			}
			s := newTestHost(t, on, shared)
			s.register("a", "one", "")
			s.register("b", "two", "")
			for i := range 450 { // more than two pages of conversations
				s.say("one", "a", s.incarnation("a"), fmt.Sprintf("c%d", i), "u", "hello")
			}
			for i := range 30 {
				s.say("one", "a", s.incarnation("a"), "long", "v", fmt.Sprint("message ", i))
			}
			if _, err := on.get("one").Import(t.Context(), &storage.ImportRequest{
				Call: sdk.Call{Tenant: "a", Incarnation: s.incarnation("a"), Conversation: "manifold", User: "u"}, Turns: manifold(),
			}); err != nil {
				t.Fatal(err)
			}
			export := s.export("a", "")
			done, err := s.imports("b", export)
			if want := (Imported{Conversations: 452, Turns: 450 + 30 + 4}); err != nil || done != want {
				t.Fatalf("%+v, %v; want %+v", done, err, want)
			}
			got := s.export("b", "")
			// The two tenants differ in their own settings only.
			want := strings.Replace(content(export), `"shelf":"one"`, `"shelf":"two"`, 1)
			if content(got) != want {
				t.Errorf("tracked %v: the import exports as something else", tracked)
				for i, line := range strings.Split(want, "\n") {
					if other := strings.Split(content(got), "\n")[i]; other != line {
						t.Fatalf("line %d is\n%.300s\nwant\n%.300s", i+2, other, line)
					}
				}
			}
			// A second import changes nothing.
			done, err = s.imports("b", export)
			if want := (Imported{Conversations: 452, Present: 484}); err != nil || done != want {
				t.Errorf("%+v, %v; want %+v", done, err, want)
			}
			if content(s.export("b", "")) != content(got) {
				t.Error("a second import changed something")
			}
		})
	}
}

func TestExport_removedTenant(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", `{"prompts": {"system": "p"}}`)
	incarnation := s.incarnation("a")
	s.say("one", "a", incarnation, "c1", "u", "mine")
	s.say("one", "a", incarnation, "c2", "v", "theirs")
	s.say("one", "a", incarnation, "c1", "v", "in mine")
	if err := s.reg.Remove(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	all, one := s.export("a", ""), s.export("a", "u")
	if !strings.Contains(all, `{"type":"end","conversations":2,"turns":3}`) || !strings.Contains(all, `"system":"p"`) {
		t.Error(all)
	}
	if !strings.Contains(one, `{"type":"end","conversations":1,"turns":1}`) || strings.Contains(one, "theirs") || strings.Contains(one, "in mine") ||
		strings.Contains(one, "system") || !strings.Contains(one, `"user":"u"`) {
		t.Error(one)
	}
	if _, err := s.Export(t.Context(), "nobody", ExportOptions{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := s.Purge(t.Context(), "a", DeletionOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Export(t.Context(), "a", ExportOptions{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestExport_earlierStorages(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	incarnation := s.incarnation("a")
	s.say("one", "a", incarnation, "both", "u", "older")
	s.say("one", "a", incarnation, "old", "u", "only here")
	s.register("a", "three", "")
	s.say("three", "a", incarnation, "both", "u", "between")
	s.register("a", "two", "")
	s.say("two", "a", incarnation, "both", "u", "newer")
	export := s.export("a", "")
	newer, between, older := strings.Index(export, "newer"), strings.Index(export, "between"), strings.Index(export, "older")
	if strings.Count(export, `"hidden":true`) != 2 || newer > between || between > older || strings.Index(export, `"hidden":true`) < newer {
		t.Error(export)
	}
	s.storages.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	if _, err := s.Export(t.Context(), "a", ExportOptions{}); !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "shelf=one") {
		t.Errorf("without one of its storages: %v", err)
	}
	e, err := s.Export(t.Context(), "a", ExportOptions{Current: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var current strings.Builder
	if err := e.Write(t.Context(), &current); err != nil || !strings.Contains(current.String(), "newer") || strings.Contains(current.String(), "between") {
		t.Errorf("%v: %s", err, current.String())
	}
	s.storages.fail("one", nil)
	// An import of a tenant's own export moves the conversations of earlier storages into the
	// present storage.
	done, err := s.imports("a", export)
	if want := (Imported{Conversations: 2, Turns: 1, Present: 1, LeftOut: 2}); err != nil || done != want {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
	if n := s.count("two", "a", incarnation); n != 2 {
		t.Errorf("%d conversations were moved", n)
	}
}

// slow is a writer that blocks after some bytes, until its channel open is closed.
type slow struct {
	after int
	taken int
	full  chan struct{}
	open  chan struct{}
}

func (w *slow) Write(b []byte) (int, error) {
	if w.taken += len(b); w.taken > w.after && w.full != nil {
		close(w.full)
		w.full = nil
		<-w.open
	}
	return len(b), nil
}

func TestExport_waitsForReader(t *testing.T) {
	on := newTestStorages()
	s := newTestHost(t, on, nil)
	s.register("a", "one", "")
	text := strings.Repeat("x", 100_000)
	for i := range 300 { // 60 MB with the replies
		s.say("one", "a", "", fmt.Sprintf("c%03d", i%3), "u", text)
	}
	largest := 0
	on.get("one").Before = func(method string, _ sdk.Call) error {
		if method == "Read" {
			largest++
		}
		return nil
	}
	e, err := s.Export(t.Context(), "a", ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w := &slow{after: 5 << 20, full: make(chan struct{}), open: make(chan struct{})}
	full := w.full
	written := make(chan error, 1)
	go func() { written <- e.Write(t.Context(), w) }()
	<-full
	read := largest
	runtime.Gosched()
	time.Sleep(50 * time.Millisecond)
	if largest != read {
		t.Error("it reads on while nobody takes what it read")
	}
	close(w.open)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	// A page has about 2 MB, so an export of 60 MB reads many pages.
	if largest < 20 {
		t.Errorf("60 MB were read in %d pages", largest)
	}
}

func TestExport_failure(t *testing.T) {
	on := newTestStorages()
	s := newTestHost(t, on, nil)
	s.register("a", "one", "")
	for i := range 10 {
		s.say("one", "a", "", fmt.Sprintf("c%d", i), "u", "x")
	}
	for name, c := range map[string]struct {
		before func(string, sdk.Call) error
		fails  bool
	}{
		"for a moment": {failsFor(2, "Read", fault.New(fault.PluginUnavailable, "gone")), false},
		"for long":     {failsFor(1000, "Read", fault.New(fault.PluginUnavailable, "gone")), true},
		"for good":     {failsFor(1, "List", fault.New(fault.Internal, "broken")), true},
		"too large":    {failsFor(1, "Read", fault.New(fault.RateLimited, "a message of the protocol is too large")), false},
		"deleted":      {failsFor(1, "Read", fault.New(fault.NotFound, "there is no such conversation")), false},
	} {
		t.Run(name, func(t *testing.T) {
			on.get("one").Before = c.before
			e, err := s.Export(t.Context(), "a", ExportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = e.Write(t.Context(), &out)
			e.Close()
			if ended := strings.Contains(out.String(), `{"type":"end"`); (err != nil) != c.fails || ended == c.fails {
				t.Errorf("%v, with an end: %v", err, ended)
			}
			if c.fails && !strings.Contains(err.Error(), "storage shelf (shelf=one)") {
				t.Errorf("does not say which storage: %v", err)
			}
		})
	}
	on.get("one").Before = nil
	e, err := s.Export(t.Context(), "a", ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, cancel := context.WithCancel(t.Context())
	gone := io.MultiWriter(io.Discard, writeFunc(func([]byte) error { cancel(); return errors.New("the reader left") }))
	if err := e.Write(ctx, gone); err == nil {
		t.Error("written to nobody")
	}
}

type writeFunc func([]byte) error

func (f writeFunc) Write(b []byte) (int, error) { return len(b), f(b) }

// failsFor returns a function for Storage.Before that makes the first n calls of a method fail
// with err.
func failsFor(n int, method string, err error) func(string, sdk.Call) error {
	return func(m string, _ sdk.Call) error {
		if m == method && n > 0 {
			n--
			return err
		}
		return nil
	}
}
