package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// run converts the input. It returns the lines of the export after the first, and the report.
func run(t *testing.T, client, input string) (lines []string, report string, err error) {
	t.Helper()
	var out, told bytes.Buffer
	o := options{client: client, zone: time.UTC, out: &out, report: &told}
	err = o.run(nil, strings.NewReader(input))
	_, rest, _ := strings.Cut(out.String(), "\n")
	return strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' }), told.String(), err
}

// TestRun_ofTheLibrary converts conversations that the library itself stored, in its backend file and
// in SQLite.
func TestRun_ofTheLibrary(t *testing.T) {
	want := []string{
		`{"type":"conversation","id":"conv-a-001","user":"ada","created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:01:00Z"}`,
		`{"type":"turn","sequence":1,"number":1,"state":"succeeded","user":"ada","started_at":"2026-03-01T09:00:10Z","ended_at":"2026-03-01T09:00:30Z","messages":[{"role":"user","parts":[{"text":"How do I reset my password?"}]},{"role":"assistant","parts":[{"text":"To reset your password, open the settings."}]}],"usage":{"input_tokens":20,"output_tokens":8},"metadata":{"model":"gemma3:3b","provider":"ollama","title":"Password"}}`,
		`{"type":"turn","sequence":2,"number":2,"state":"succeeded","user":"ada","started_at":"2026-03-01T09:00:40Z","ended_at":"2026-03-01T09:00:50Z","messages":[{"role":"user","parts":[{"text":"Where are they?"}]},{"role":"assistant","parts":[{"text":"At the top right."}]}],"usage":{"input_tokens":40,"output_tokens":5}}`,
		`{"type":"conversation","id":"conv-a-002","user":"bob","created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:01:00Z"}`,
		`{"type":"turn","sequence":1,"number":1,"state":"succeeded","user":"bob","started_at":"2026-03-01T09:00:10Z","ended_at":"2026-03-01T09:00:40Z","messages":[{"role":"user","parts":[{"text":"What is the weather in Rome?"}]},{"role":"assistant","parts":[{"tool_call":{"id":"call_1","name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},{"role":"tool","parts":[{"tool_result":{"tool_call_id":"call_1","name":"weather","parts":[{"text":"18 degrees"}]}}]},{"role":"assistant","parts":[{"text":"It is 18 degrees."}]}],"metadata":{"model":"gemma3:3b","provider":"ollama"}}`,
		`{"type":"turn","sequence":2,"state":"interrupted","reason":"canceled: it had no reply when it was migrated","user":"bob","started_at":"2026-03-01T09:00:50Z","ended_at":"2026-03-01T09:00:50Z","messages":[{"role":"user","parts":[{"text":"And tomorrow?"}]}]}`,
		`{"type":"end","conversations":2,"turns":4}`,
	}
	for _, name := range []string{"conversations.json", "rows.ndjson"} {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			got, report, err := run(t, "client-a", string(src))
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%v\n%s", err, strings.Join(got, "\n"))
			}
			for _, said := range []string{"\"conv-a-001\": messages of other branches that are left out: 1", "turn 2 has no reply", "conversations 2, turns 4"} {
				if !strings.Contains(report, said) {
					t.Errorf("the report %s does not say %q", report, said)
				}
			}
			if got, report, err := run(t, "", string(src)); err == nil || !strings.Contains(err.Error(), `"client-a" (2) "client-b" (1)`) || len(got) > 0 {
				t.Errorf("without a client: %s, %s, %v", got, report, err)
			}
			if _, _, err := run(t, "client-z", string(src)); err == nil || !strings.Contains(err.Error(), `of "client-z"; there are "client-a" (2)`) {
				t.Errorf("of another client: %v", err)
			}
		})
	}
}

// stored returns a conversation in the form of the library, whose messages follow each other without
// branches.
func stored(id string, messages ...string) string {
	var nodes, edges []string
	at := ""
	for i, m := range messages {
		nodes = append(nodes, fmt.Sprintf(`{"node_id":%q,"timestamp":"2026-03-01T09:00:%02d.5","message":%s,"metadata":{}}`, at, i, m))
		if i > 0 {
			parent, _, _ := cutLast(at, ".")
			edges = append(edges, fmt.Sprintf(`[%q,%q]`, parent, at))
		}
		next := strings.TrimPrefix(at+".0", ".")
		if i < len(messages)-1 {
			at = next
		}
	}
	return fmt.Sprintf(`{"conversation_id":%q,"current_node_id":%q,"metadata":{"user_id":"u"},"created_at":"2026-03-01T09:00:00","updated_at":"x","nodes":[%s],"edges":[%s]}`,
		id, at, strings.Join(nodes, ","), strings.Join(edges, ","))
}

func say(role, content string) string {
	text, _ := json.Marshal(content) // a text always marshals
	return fmt.Sprintf(`{"role":%q,"content":%s}`, role, text)
}

// brief returns the states and the messages of the turns as a text.
func brief(t *testing.T, lines []string) string {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		var l turnLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Type != "turn" {
			continue
		}
		fmt.Fprintf(&b, "%s:", l.State)
		for _, m := range l.Messages {
			for _, p := range m.Parts {
				switch {
				case p.Call != nil:
					fmt.Fprintf(&b, " call %s %s%s", p.Call.ID, p.Call.Name, p.Call.Arguments)
				case p.Result != nil:
					fmt.Fprintf(&b, " result %s", p.Result.CallID)
				default:
					fmt.Fprintf(&b, " %s=%s", m.Role, p.Text)
				}
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

func TestConvert(t *testing.T) {
	for name, c := range map[string]struct{ input, want, report string }{
		"several messages of the user": {stored("c", say("user", "a"), say("user", "b"), say("assistant", "c")), "succeeded: user=a user=b assistant=c", ""},
		"a greeting":                   {stored("c", say("assistant", "hello"), say("user", "a"), say("assistant", "b")), "succeeded: user=a assistant=b", "before any message of a user"},
		"parts": {stored("c", `{"role":"user","content":[{"type":"text","text":"a"},"b",{"type":"image_url","image_url":{}}]}`, say("assistant", "x\x00y")),
			"succeeded: user=a\nb assistant=x\uFFFDy", "because they are no texts: 1"},
		"calls without ids": {stored("c", say("user", "a"), `{"role":"assistant","content":null,"tool_calls":[{"name":"f","parameters":{"x": 1}},{"name":"g","parameters":null}]}`,
			`{"role":"function","name":"g","content":"1"}`, `{"role":"tool","name":"f","content":"2"}`, say("assistant", "b")),
			`succeeded: user=a call call_1_1 f{"x":1} call call_1_2 g{} result call_1_2 result call_1_1 assistant=b`, ""},
		"calls without results": {stored("c", say("user", "a"), `{"role":"assistant","content":"t","tool_calls":[{"id":"1","name":"f"}]}`, say("user", "b"), say("assistant", "c")),
			"succeeded: user=a assistant=t\nsucceeded: user=b assistant=c", "because they have no results: 1"},
		"a repeated id, without a result": {stored("c", say("user", "a"), `{"role":"assistant","content":"","tool_calls":[{"id":"1","name":"f"}]}`, `{"role":"tool","content":"r","tool_call_id":"1"}`,
			`{"role":"assistant","content":"t","tool_calls":[{"id":"1","name":"f"}]}`, say("assistant", "b")),
			"succeeded: user=a call 1 f{} result 1 assistant=t assistant=b", "because they have no results: 1"},
		"a repeated id, with a result": {stored("c", say("user", "a"), `{"role":"assistant","content":"","tool_calls":[{"id":"1","name":"f"}]}`, `{"role":"tool","content":"r","tool_call_id":"1"}`,
			`{"role":"assistant","content":"","tool_calls":[{"id":"2","name":"f"},{"id":"1","name":"f"}]}`, `{"role":"tool","content":"s","tool_call_id":"1"}`, say("assistant", "b")),
			"succeeded: user=a call 1 f{} result 1 call call_1_3 f{} result call_1_3 assistant=b", "because they have no results: 1"},
		"two open calls of an id": {stored("c", say("user", "a"), `{"role":"assistant","content":"","tool_calls":[{"id":"1","name":"f"},{"id":"1","name":"g"},{"id":"call_1_2","name":"h"}]}`,
			`{"role":"tool","content":"r","tool_call_id":"1"}`, `{"role":"tool","content":"s","tool_call_id":"1"}`, `{"role":"tool","content":"q","tool_call_id":"call_1_2"}`, say("assistant", "b")),
			"succeeded: user=a call 1 f{} call call_1_2 g{} call call_1_3 h{} result 1 result call_1_2 result call_1_3 assistant=b", ""},
		"nothing but a call":  {stored("c", say("user", "a"), `{"role":"assistant","content":"","tool_calls":[{"id":"1","name":"f"}]}`), "interrupted: user=a", "no reply"},
		"a result of no call": {stored("c", say("user", "a"), `{"role":"tool","content":"1","tool_call_id":"9"}`, say("assistant", "b")), "succeeded: user=a assistant=b", "nothing called it"},
		"another role":        {stored("c", say("user", "a"), say("critic", "no"), say("assistant", "b")), "succeeded: user=a assistant=b", `role "critic"`},
		"without edges":       {strings.Replace(stored("c", say("user", "a"), say("assistant", "b")), `"edges":[["","0"]]`, `"edges":[]`, 1), "succeeded: user=a assistant=b", ""},
		"a current message that is gone": {strings.Replace(stored("c", say("user", "a"), say("assistant", "b")), `"current_node_id":"0"`, `"current_node_id":"7"`, 1),
			"succeeded: user=a assistant=b", `current message "7" is not there`},
		"a list of a record": {`[{"id":"c","fields":` + stored("c", say("user", "a"), say("assistant", "b")) + `}]`, "succeeded: user=a assistant=b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			lines, report, err := run(t, "", c.input)
			if err != nil {
				t.Fatal(err, report)
			}
			if got := brief(t, lines); got != c.want || !strings.Contains(report, c.report) {
				t.Errorf("%s\nreport %s\nwant %s", got, report, c.want)
			}
		})
	}
}

// TestRun_unreadable checks that the report names what cannot be read, and that the rest is converted.
func TestRun_unreadable(t *testing.T) {
	good := stored("good", say("user", "a"), say("assistant", "b"))
	for name, c := range map[string]struct{ bad, report string }{
		"no conversation":       {`{"a": 1}`, "value 2 is no conversation"},
		"no JSON":               {`{"conversation_id": `, "value 2 is not JSON"},
		"messages of no form":   {`{"conversation_id":"c","nodes":7}`, "value 2: a conversation cannot be read"},
		"no messages":           {`{"conversation_id":"c","nodes":[]}`, `"c" is left out: it has no messages`},
		"no message of a user":  {stored("c", say("system", "a")), `"c" is left out: it has no message of a user`},
		"an id that is a path":  {stored("..", say("user", "a")), `".." is left out: its id is a step of a path`},
		"messages in a circle":  {`{"conversation_id":"c","current_node_id":"a","nodes":[{"node_id":"a"},{"node_id":"b"}],"edges":[["a","b"],["b","a"]]}`, "in a circle"},
		"more than fits a turn": {stored("c", append([]string{say("user", "a")}, repeat(say("assistant", "b"), 1024)...)...), "has 1025 messages"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, report, err := run(t, "", good+"\n"+c.bad)
			if !errors.Is(err, errUnreadable) || !strings.Contains(report, c.report) {
				t.Errorf("%v, %s; want %s", err, report, c.report)
			}
			if got := brief(t, lines); got != "succeeded: user=a assistant=b" || lines[len(lines)-1] != `{"type":"end","conversations":1,"turns":1}` {
				t.Errorf("%s", lines)
			}
		})
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// TestParseTime checks that the zone of the flag counts for times without a zone.
func TestParseTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-01T09:00:00":       "2026-03-01T08:00:00Z",
		"2026-03-01 09:00:00.25":    "2026-03-01T08:00:00.25Z",
		"2026-03-01T09:00:00+00:00": "2026-03-01T09:00:00Z",
		"1969-01-01T00:00:00":       "0001-01-01T00:00:00Z",
		"9999-01-01T00:00:00":       "0001-01-01T00:00:00Z",
		"soon":                      "0001-01-01T00:00:00Z",
	} {
		if got := parseTime(text, berlin).Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %s; want %s", text, got, want)
		}
	}
}
