package prompt

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// compiled parses the text and compiles it with the constants.
func compiled(t *testing.T, text string, constants map[string]string) Prompt {
	t.Helper()
	parsed, wrong := Parse(text)
	if len(wrong) > 0 {
		t.Fatalf("%q has no variable at %q", text, wrong)
	}
	p, _ := parsed.Compile(func(name string) (string, bool) { v, ok := constants[name]; return v, ok })
	return p
}

func choose(t *testing.T, s Set, r Request) *Chosen {
	t.Helper()
	c, err := s.Choose(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newYear is half an hour before the new year in UTC. In Berlin the new year has begun.
var newYear = time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, ok := Zone("Europe/Berlin")
	if !ok {
		t.Fatal("Europe/Berlin is unknown")
	}
	return zone
}

func TestSet_variablesOfATurn(t *testing.T) {
	turn := Turn{Tenant: "acme", User: "ann", Conversation: "c1", Time: newYear}
	for text, c := range map[string]struct {
		want   string
		varies bool
	}{
		"{{turn.tenant}} {{ turn.user }} {{turn.conversation}}":   {"acme ann c1", false},
		"{{turn.date}}, a {{turn.weekday}} in {{turn.timezone}}.": {"2027-01-01, a Friday in Europe/Berlin.", false},
		"{{turn.time}}":              {"00:30", true},
		"{{metadata.plan-b}}":        {"gold", true},
		"plain":                      {"plain", false},
		"{{{{turn.date}} {{n}}":      {"{{turn.date}} {{turn.user}}", false},
		"{{{turn.user}}}":            {"{ann}", false},
		"[{{metadata.locale}}]":      {"[en]", true},
		"{{metadata.seats}}":         {"1.50", true},
		"{{metadata.paid}}":          {"true", true},
		"{{metadata.nothing}}":       {"default", true},
		"{{metadata.loud}}":          {"{{turn.tenant}} {{n}} \uFFFD", true},
		"{{turn.user}}{{turn.user}}": {"annann", false},
	} {
		t.Run(text, func(t *testing.T) {
			s := Set{Zone: berlin(t), System: compiled(t, text, map[string]string{"n": "{{turn.user}}"}),
				Metadata: map[string]string{"locale": "en", "plan-b": "free", "nothing": "default", "seats": "", "paid": "", "loud": ""}}
			got := choose(t, s, Request{Turn: turn, Metadata: json.RawMessage(
				`{"plan-b": "gold", "seats": 1.50, "paid": true, "nothing": null, "loud": "{{turn.tenant}} {{n}} \u0000", "tenant": "evil"}`)})
			if got.Text() != c.want || got.Varies != c.varies {
				t.Errorf("%q, varies %t; want %q, %t", got.Text(), got.Varies, c.want, c.varies)
			}
			if again, ok := s.Refill("", got.Values); !ok || again != c.want {
				t.Errorf("refilled %q, %t", again, ok)
			}
		})
	}
}

// TestSet_withoutAZoneOrAUser checks the values of variables in a turn without a user, of a tenant without
// a time zone.
func TestSet_withoutAZoneOrAUser(t *testing.T) {
	s := Set{System: compiled(t, "{{turn.date}} {{turn.time}} {{turn.timezone}} [{{turn.user}}] [{{metadata.a}}]", nil), Metadata: map[string]string{"a": "none"}}
	if got := choose(t, s, Request{Turn: Turn{Time: newYear}}).Text(); got != "2026-12-31 23:30 UTC [] [none]" {
		t.Error(got)
	}
}

// TestSet_sharedConversation checks that the user counts as varying where users share a
// conversation.
func TestSet_sharedConversation(t *testing.T) {
	s := Set{System: compiled(t, "{{turn.user}}", nil)}
	if choose(t, s, Request{}).Varies || !choose(t, s, Request{Shared: true}).Varies {
		t.Error("the user varies only in shared conversations")
	}
}

func TestSet_named(t *testing.T) {
	s := Set{System: Literal("the system"), Named: map[string]Prompt{"short": Literal("be short"), "long": Literal("be long")}}
	for name, want := range map[string]string{"": "the system", "short": "be short"} {
		if c := choose(t, s, Request{Name: name}); c.Text() != want || c.Name != name || c.Values != nil {
			t.Errorf("%q: %+v", name, c)
		}
	}
	for _, c := range []struct {
		set        Set
		name, want string
	}{
		{s, "other", `prompt: is "other", which is no prompt of the tenant; expected one of long, short`},
		{s, strings.Repeat("x", 300), `"` + strings.Repeat("x", 64) + `..."`},
		{Set{}, "other", "the tenant has no named prompts"},
	} {
		if _, err := c.set.Choose(Request{Name: c.name}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Of(err).Path.String()+": "+err.Error(), c.want) {
			t.Errorf("%v; want %s", err, c.want)
		}
	}
	if _, ok := s.Refill("gone", nil); ok {
		t.Error("a prompt that is not there is refilled")
	}
}

// TestSet_metadataThatNoPromptShows checks which values of metadata Choose refuses. It refuses no value
// that the prompt does not show.
func TestSet_metadataThatNoPromptShows(t *testing.T) {
	all := map[string]string{}
	text := ""
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		all[key] = ""
		text += "{{metadata." + key + "}}"
	}
	s := Set{System: compiled(t, text, nil), Metadata: all}
	for _, c := range []struct{ metadata, want string }{
		{`{"a": {}}`, "metadata.a: is a list or an object"},
		{`{"b": []}`, "metadata.b: is a list or an object"},
		// beyond: metadata in a prompt
		{`{"c": "` + strings.Repeat("x", bounds.PromptMetadataBytes+1) + `"}`, "metadata.c: has 1025 bytes"},
		{`{"c": "` + strings.Repeat(`\u0000`, bounds.PromptMetadataBytes/3+1) + `"}`, "metadata.c: has 1026 bytes"},
		// beyond: all metadata in a prompt
		{`{"a": "` + strings.Repeat("x", 1024) + `","b":"` + strings.Repeat("x", 1024) + `","c":"` + strings.Repeat("x", 1024) + `","d":"` + strings.Repeat("x", 1024) + `","e":"x"}`,
			"metadata: the values that the prompt shows have more than 4096 bytes"},
		{`{"z": {}, "y": "` + strings.Repeat("x", 2000) + `"}`, ""},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := s.Choose(Request{Metadata: json.RawMessage(c.metadata)})
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := fault.Of(err); err == nil || e.Class != fault.Invalid || !strings.Contains(e.Path.String()+": "+e.Message, c.want) {
				t.Errorf("%v; want %s", err, c.want)
			}
		})
	}
}

// TestCompile_boundsTheLongestText checks that Compile refuses a prompt that could exceed the maximum in a
// turn.
func TestCompile_boundsTheLongestText(t *testing.T) {
	const each = bounds.PromptMetadataBytes
	for uses, fits := range map[int]bool{sdk.MaxSystemBytes / each: true, sdk.MaxSystemBytes/each + 1: false} {
		parsed, _ := Parse(strings.Repeat("{{metadata.a}}", uses))
		p, size := parsed.Compile(func(string) (string, bool) { return "", false })
		if size != uses*each || p.IsEmpty() == fits {
			t.Errorf("%d uses have %d bytes, and the prompt is empty: %t", uses, size, p.IsEmpty())
		}
		if fits {
			s := Set{System: p, Metadata: map[string]string{"a": ""}}
			text := choose(t, s, Request{Metadata: json.RawMessage(`{"a": "` + strings.Repeat("x", each) + `"}`)}).Text()
			if len(text) != size {
				t.Errorf("the text has %d bytes", len(text))
			}
			if _, ok := s.Refill("", map[string]string{"metadata.a": strings.Repeat("x", each+1)}); ok {
				t.Error("a text above the maximum is refilled")
			}
		}
	}
}

// TestLongestValue checks that no value of a turn is longer than its bound.
func TestLongestValue(t *testing.T) {
	long := Turn{Tenant: strings.Repeat("t", 64), User: strings.Repeat("u", sdk.MaxIDBytes), Conversation: strings.Repeat("c", sdk.MaxIDBytes)}
	for _, v := range turnVariables {
		for day := range 7 {
			long.Time = newYear.AddDate(0, 0, day)
			if got := v.value(long); len(got) > LongestValue(v.name) {
				t.Errorf("%s is %q, of %d bytes; at most %d", v.name, got, len(got), LongestValue(v.name))
			}
		}
	}
}

// TestDigestible checks that different prompts have different digests, also if String is equal for them.
func TestDigestible(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"{{turn.user}}", "{{{{turn.user}}", "{{n}}", "a{{turn.user}}", "{{turn.user}}a", "a", ""} {
		form, err := json.Marshal(compiled(t, text, map[string]string{"n": "{{turn.tenant}}"}).Digestible())
		if err != nil {
			t.Fatal(err)
		}
		if other, known := seen[string(form)]; known {
			t.Errorf("%q and %q are both %s", text, other, form)
		}
		seen[string(form)] = text
	}
	if form := Literal("a").Digestible(); form != "a" {
		t.Errorf("a literal is %v; revisions of before had the text", form)
	}
}
