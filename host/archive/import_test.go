package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

func TestImport_refuses(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	const (
		head = `{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}`
		conf = `{"type":"tenant","config":{},"left_out":[]}`
		conv = `{"type":"conversation","id":"c","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`
		one  = `{"type":"turn","sequence":1,"number":1,"state":"succeeded","started_at":"2026-01-02T03:04:05Z","ended_at":"2026-01-02T03:04:05Z","messages":[{"role":"user","parts":[{"text":"x"}]},{"role":"assistant","parts":[{"text":"y"}]}],"usage":{"input_tokens":0,"output_tokens":0}}`
		end  = `{"type":"end","conversations":1,"turns":1}`
	)
	two := strings.NewReplacer(`"sequence":1`, `"sequence":2`, `"number":1`, `"number":2`).Replace(one)
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"another version":      {[]string{strings.Replace(head, `n":1`, `n":2`, 1)}, "line 1: is of version 2"},
		"no header":            {[]string{conv, one, end}, "line 1: is out of place"},
		"two headers":          {[]string{head, head}, "line 2: is out of place"},
		"a late configuration": {[]string{head, conv, one, conf, end}, "line 4: is out of place"},
		"a turn first":         {[]string{head, conf, one}, "line 3: is out of place; expected a conversation"},
		"no turn":              {[]string{head, conf, conv, end}, `line 4: follows the conversation "c", which has no turn`},
		"a turn is missing":    {[]string{head, conf, conv, two, end}, "line 4: has the turn 2 where 1 belongs"},
		"a line is missing":    {[]string{head, conf, conv, one, strings.Replace(end, "1,", "2,", 1)}, "lines are missing"},
		"more after the end":   {[]string{head, conf, conv, one, end, conv}, "line 6: follows the end"},
		"no end":               {[]string{head, conf, conv, one}, "the export is cut off: its end is missing; 1 turns of 0 conversations are imported, 0 were there already, and to repeat the import is safe"},
		"half a line":          {[]string{head, conf, conv, one[:60]}, `line 4: is not a line of the type "turn"`},
		"nothing":              {nil, "cut off"},
		"an error":             {[]string{head, conf, `{"type":"error","problem":{"detail":"the storage went away"}}`}, "line 3: says that the export failed: the storage went away"},
		"another file":         {[]string{`{"hello":"world"}`}, `line 1: is of the type ""`},
		"an unknown field":     {[]string{head, conf, strings.Replace(conv, `"id"`, `"tags":[],"id"`, 1)}, `unknown field "tags"`},
		"a bad id":             {[]string{head, conf, strings.Replace(conv, `"c"`, `"a\u0007"`, 1)}, "line 3: id: has control characters"},
		"a bad state":          {[]string{head, conf, conv, strings.Replace(one, "succeeded", "won", 1)}, `line 4: state: is "won"`},
		"no message":           {[]string{head, conf, conv, strings.NewReplacer(`[{"role":"user","parts":[{"text":"x"}]},{"role":"assistant","parts":[{"text":"y"}]}]`, `[]`, `"started_at"`, `"user":"u","started_at"`).Replace(one)}, "line 4: messages: is empty"},
		"a bad role":           {[]string{head, conf, conv, strings.Replace(one, `"user"`, `"root"`, 1)}, `has the role "root"`},
		"a contradiction":      {[]string{head, conf, conv, strings.Replace(one, `"number":1`, `"number":7`, 1), end}, "line 4: number: is 7 where 1 belongs"},
		"not text":             {[]string{head, conf, "{\"type\":\"conversation\",\"id\":\"\xff\"}"}, "line 3: is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.importsRegistering("a", strings.Join(c.lines, "\n"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
				t.Errorf("is %s", fault.Of(err).Class)
			}
			if _, err := s.Erase(t.Context(), "a", "", DeletionOptions{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if done, err := s.imports("a", strings.Join([]string{head, conf, conv, one, end}, "\n")); err != nil || done.Turns != 1 {
		t.Errorf("a whole one: %+v, %v", done, err)
	}
}

func TestImport_continues(t *testing.T) {
	on := newTestStorages()
	s := newTestHost(t, on, newTenantStore())
	s.register("a", "one", "")
	s.register("b", "two", "")
	for i := range 20 {
		for range 3 {
			s.say("one", "a", s.incarnation("a"), fmt.Sprintf("c%02d", i), "u", "x")
		}
	}
	export := s.export("a", "")
	// The import fails at ten cuts of the export, then with a storage that fails, then with a
	// host that stops, and then with a connection that is lost.
	for cut := range 10 {
		if _, err := s.imports("b", export[:len(export)*cut/10]); err == nil {
			t.Fatalf("%d of 10 parts were taken for a whole", cut)
		}
	}
	on.get("two").Before = func(method string, call sdk.Call) error {
		if call.Conversation == "c18" {
			return fault.New(fault.PluginUnavailable, "gone")
		}
		return nil
	}
	_, err := s.imports("b", export)
	if !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "54 turns of 18 conversations") && !strings.Contains(err.Error(), "of 18 conversations are imported") {
		t.Error(err)
	}
	on.get("two").Before = nil
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.New(fault.Canceled, "the host is stopping"))
	if _, err := s.Import(ctx, "b", ImportOptions{}, strings.NewReader(export)); !fault.Is(err, fault.Canceled) {
		t.Error(err)
	}
	if _, err := s.Import(t.Context(), "b", ImportOptions{}, io.MultiReader(strings.NewReader(export[:1000]), failing{})); !fault.Is(err, fault.Canceled) {
		t.Error(err)
	}
	done, err := s.imports("b", export)
	if err != nil || done.Conversations != 20 || done.Turns+done.Present != 60 || done.Turns == 0 || done.Present == 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if strings.Replace(content(export), `"one"`, `"two"`, 1) != content(s.export("b", "")) {
		t.Error("it is not what was exported")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestImport_earlierVersion checks that an export of a host of an earlier version can be
// imported.
func TestImport_earlierVersion(t *testing.T) {
	src, err := os.ReadFile("testdata/export-1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	done, err := s.imports("a", string(src))
	if want := (Imported{Conversations: 7, Turns: 11, Interrupted: 1}); err != nil || done != want {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(src)), "\n") {
		if strings.Contains(line, `"state":"succeeded"`) && !strings.Contains(s.export("a", ""), line) {
			t.Errorf("a turn came back otherwise: %s", line)
		}
	}
}
