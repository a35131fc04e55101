package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/pgtest"
)

// TestTurns_storages checks on each storage, with one host: turns of several messages, calls of the
// client's tools and their results, turns that are taken back, and branches.
func TestTurns_storages(t *testing.T) {
	t.Parallel()
	host := start(t, onSQLite, nil)
	database := pgtest.For(t, pgtest.Options{NoSync: true})
	for name, storage := range map[string]string{
		"memory": `{"backend":"memory"}`, "sqlite": `{"backend":"sqlite"}`,
		"postgres": fmt.Sprintf(`{"backend":"postgres","dsn":%q}`, database.DSN(newDatabase(t, database))),
	} {
		for test, check := range map[string]func(*talk){
			"several messages": checkSeveralMessages, "tool calls": checkToolCalls, "retractions": checkRetractions, "branches": checkBranches,
		} {
			t.Run(name+"/"+test, func(t *testing.T) {
				at := &talk{t: t, host: host, tenant: name + "-" + tagOf(test)}
				at.settings = fmt.Sprintf(`{"conversation_storage":%s}`, storage)
				host.put(at.tenant, at.settings)
				check(at)
			})
		}
	}
}

// talk is a tenant that only one test uses, with its conversation c.
type talk struct {
	t                *testing.T
	host             *hostProcess
	tenant, settings string
}

// call sends a request of the tenant. The test fails if the answer has another status.
func (c *talk) call(method, path, body string, status int) answer {
	c.t.Helper()
	a := c.host.do(method, path, body, "X-Tenant-ID: "+c.tenant)
	if a.Status != status {
		c.t.Fatalf("%s %s %s: %d %s; want %d", method, path, body, a.Status, a.Body, status)
	}
	return a
}

// say sends a turn in the conversation, with the fields in addition to its id.
func (c *talk) say(conversation, fields string, status int) answer {
	c.t.Helper()
	return c.call("POST", "/api/v1/chat", fmt.Sprintf(`{"conversation_id":%q,%s}`, conversation, fields), status)
}

// refused sends a turn that must be refused at the path.
func (c *talk) refused(conversation, fields string, status int, path string) {
	c.t.Helper()
	if a := c.say(conversation, fields, status); a.Path != path {
		c.t.Errorf("%s is refused at %q: %s; want %q", fields, a.Path, a.Detail, path)
	}
}

// listed is what the routes of a conversation return.
type listed struct {
	Turns []struct {
		Turn        *int64
		RetractFrom int64 `json:"retract_from"`
		Retracted   bool
	}
	Messages      []struct{ Role, Content string }
	Conversations []struct {
		ID    string
		Turns int64
	}
}

func (c *talk) list(path string) (out listed) {
	c.t.Helper()
	a := c.call("GET", path, "", 200)
	if err := json.Unmarshal(a.Body, &out); err != nil {
		c.t.Fatalf("%s: %v", a.Body, err)
	}
	return out
}

// messages returns the messages of the conversation as ROLE: CONTENT. It leaves out replies, which only
// repeat the user's messages.
func (c *talk) messages(conversation string) (out []string) {
	c.t.Helper()
	for _, m := range c.list("/api/v1/conversations/" + conversation).Messages {
		if m.Role != "assistant" {
			out = append(out, m.Role+": "+m.Content)
		}
	}
	return out
}

// numbers returns the numbers of the conversation's turns that the route lists with the query. The number
// of a retracted turn is in parentheses. A turn that failed has "none" in place of a number.
func (c *talk) numbers(conversation, query string) (out []string) {
	c.t.Helper()
	for _, turn := range c.list("/api/v1/conversations/" + conversation + "/turns" + query).Turns {
		number := "none"
		if turn.Turn != nil {
			number = fmt.Sprint(*turn.Turn)
		}
		if turn.Retracted {
			number = "(" + number + ")"
		}
		out = append(out, number)
	}
	return out
}

func (c *talk) same(what string, got []string, want ...string) {
	c.t.Helper()
	if !slices.Equal(got, want) {
		c.t.Errorf("%s: %q; want %q", what, got, want)
	}
}

// shown sends a turn with the text and the fields more, and returns the texts of the user's messages that
// the model got in this turn.
func (c *talk) shown(conversation, text, more string) (out []string) {
	c.t.Helper()
	c.host.put(c.tenant, strings.Replace(c.settings, "{", `{"llm":{"provider":"echo","show_request":true},`, 1))
	reply := c.say(conversation, fmt.Sprintf(`"message":%q%s`, text, more), 200).Reply
	c.host.put(c.tenant, c.settings)
	var all []struct {
		Role  string
		Parts []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(reply), &all); err != nil {
		c.t.Fatalf("%s: %v", reply, err)
	}
	for _, m := range all {
		if m.Role == "user" {
			out = append(out, m.Parts[0].Text)
		}
	}
	return out
}

func checkSeveralMessages(c *talk) {
	user := func(text string) string { return fmt.Sprintf(`{"role":"user","content":%q}`, text) }
	a := c.say("c", `"messages":[`+user("one")+`,`+user("two")+`,{"role":"user","parts":[{"text":"three"},
		{"media":{"kind":"image","media_type":"image/png","data":"iVBORw==","name":"a.png"}}]}]`, 200)
	if a.Turn != 1 {
		c.t.Errorf("turn %d", a.Turn)
	}
	c.same("the numbers", c.numbers("c", ""), "1")
	c.same("the messages", c.messages("c"), "user: one", "user: two", "user: three")
	c.same("what the model is shown afterwards", c.shown("c", "four", ""), "one", "two", "three", "four")
	if kept := c.call("GET", "/api/v1/conversations/c", "", 200); !strings.Contains(string(kept.Body), "iVBORw==") {
		c.t.Errorf("the image was not kept: %s", kept.Body)
	}
	c.refused("c", `"messages":[`+user("five")+`,{"role":"system","content":"x"}]`, 422, "messages.1.role")
	c.same("the numbers after a refusal", c.numbers("c", "?all=true"), "1", "2")
}

func checkToolCalls(c *talk) {
	tools := `"tools":[{"name":"weather","parameters":{"type":"object"}},{"name":"time"}]`
	var calls struct {
		FinishReason string                      `json:"finish_reason"`
		ToolCalls    []struct{ ID, Name string } `json:"tool_calls"`
	}
	a := c.say("c", `"message":"Call weather {\"city\":\"Rome\"}\nCall time",`+tools, 200)
	if err := json.Unmarshal(a.Body, &calls); err != nil || calls.FinishReason != "tool_calls" || len(calls.ToolCalls) != 2 {
		c.t.Fatalf("%v: %s", err, a.Body)
	}
	ofWeather, ofTime := calls.ToolCalls[0].ID, calls.ToolCalls[1].ID
	result := func(id, text string) string {
		return fmt.Sprintf(`{"role":"tool","tool_call_id":%q,"content":%q}`, id, text)
	}
	wrong := [][2]string{
		{`"message":"hello"`, "message"},
		{`"messages":[` + result("x", "1") + `]`, "messages.0.tool_call_id"},
		{`"messages":[` + result(ofWeather, "18") + `,` + result(ofWeather, "19") + `]`, "messages.1.tool_call_id"},
		{`"messages":[{"role":"user","content":"hello"}]`, "messages"},
		{`"messages":[` + result(ofWeather, "18") + `]`, "messages"},
	}
	for _, try := range wrong {
		c.refused("c", try[0], 422, try[1])
	}
	a = c.say("c", `"messages":[`+result(ofTime, "noon")+`,`+result(ofWeather, "18")+`,{"role":"user","content":"And?"}],`+tools, 200)
	if a.Turn != 2 {
		c.t.Errorf("%+v", a)
	}
	// The host checks the results of tools after a turn has begun. So the refused turns are in the log as
	// failed turns.
	c.same("the numbers", c.numbers("c", ""), slices.Concat([]string{"1"}, slices.Repeat([]string{"none"}, len(wrong)), []string{"2"})...)
	c.refused("c", `"messages":[`+result(ofTime, "noon")+`]`, 422, "messages.0.tool_call_id")
	if a := c.say("c", `"message":"hello"`, 200); a.Turn != 3 {
		c.t.Errorf("%+v", a)
	}
	// A turn whose calls are open is retracted. Its calls then need no results.
	c.say("c", `"message":"Call time",`+tools, 200)
	if a := c.say("c", `"message":"hello again","retract_from":4`, 200); a.Turn != 5 {
		c.t.Errorf("%+v", a)
	}
}

func checkRetractions(c *talk) {
	for _, text := range []string{"one", "secret two", "secret three"} {
		c.say("c", fmt.Sprintf(`"message":%q`, text), 200)
	}
	// An edit: the turn takes the place of others. An undo takes back the last turn.
	c.same("what the model is shown", c.shown("c", "four", `,"retract_from":2`), "one", "four")
	c.say("c", `"message":"five"`, 200)
	c.same("what the model is shown after an undo", c.shown("c", "six", `,"retract_from":5`), "one", "four", "six")
	for _, from := range []int{2, 5, 9} {
		c.refused("c", fmt.Sprintf(`"message":"seven","retract_from":%d`, from), 409, "retract_from")
	}
	c.refused("d", `"message":"one","retract_from":1`, 409, "retract_from")
	c.refused("c", `"message":"one","retract_from":-1`, 422, "retract_from")
	state := func(c *talk) {
		c.t.Helper()
		c.same("the turns", c.numbers("c", ""), "1", "4", "6")
		c.same("all turns", c.numbers("c", "?all=true"), "1", "(2)", "(3)", "4", "(5)", "6")
		c.same("the messages", c.messages("c"), "user: one", "user: four", "user: six")
	}
	state(c)
	if all := c.list("/api/v1/conversations").Conversations; len(all) != 1 || all[0].ID != "c" || all[0].Turns != 3 {
		c.t.Errorf("the conversations are %+v", all)
	}

	// An export has what was taken back, and an import keeps it so.
	exported := c.host.export(c.tenant)
	other := *c
	other.tenant += "-copy"
	c.host.put(other.tenant, c.settings)
	if got := c.host.imports(other.tenant, exported); got.Turns != 6 {
		c.t.Errorf("imported %+v", got)
	}
	state(&other)
	other.refused("c", `"message":"seven","retract_from":5`, 409, "retract_from")
	for _, c := range []*talk{c, &other} {
		if a := c.say("c", `"message":"seven","retract_from":1`, 200); a.Turn != 7 {
			c.t.Errorf("the number %d is used again", a.Turn)
		}
		c.same("when all was taken back", c.messages("c"), "user: seven")
	}
}

func checkBranches(c *talk) {
	for _, text := range []string{"one", "two"} {
		c.say("c", fmt.Sprintf(`"message":%q`, text), 200)
	}
	c.say("c", `"message":"instead of two","retract_from":2`, 200)
	c.say("c", `"message":"four"`, 200)
	branch := func(id, more string, status int) answer {
		c.t.Helper()
		return c.call("POST", "/api/v1/conversations/c/branches", fmt.Sprintf(`{"conversation_id":%q%s}`, id, more), status)
	}
	for range 2 { // a repeated request has the same answer
		var got struct {
			Conversation string `json:"conversation_id"`
			Turns        int64
			Of           string `json:"branch_of"`
			At           int64  `json:"branch_at"`
		}
		a := branch("d", `,"through":3`, 200)
		if err := json.Unmarshal(a.Body, &got); err != nil || got.Conversation != "d" || got.Turns != 2 || got.Of != "c" || got.At != 3 {
			c.t.Errorf("%v: %s", err, a.Body)
		}
	}
	c.same("the branch", c.messages("d"), "user: one", "user: instead of two")
	c.same("what the model is shown on the branch", c.shown("d", "on the branch", ""), "one", "instead of two", "on the branch")
	c.same("the source", c.messages("c"), "user: one", "user: instead of two", "user: four")
	c.say("d", `"message":"edited","retract_from":2`, 200)
	c.same("the edited branch", c.messages("d"), "user: one", "user: edited")
	c.same("the source of an edited branch", c.messages("c"), "user: one", "user: instead of two", "user: four")
	for _, try := range []struct {
		id, more string
		status   int
		path     string
	}{
		{"d", `,"through":1`, 409, "conversation_id"},
		{"c", ``, 422, "conversation_id"},
		{"e", `,"through":2`, 409, "through"},
		{"e", `,"through":9`, 409, "through"},
		{"e", `,"through":0`, 422, "through"},
	} {
		if a := branch(try.id, try.more, try.status); a.Path != try.path {
			c.t.Errorf("%+v is refused at %q", try, a.Path)
		}
	}
	c.call("POST", "/api/v1/conversations/none/branches", `{"conversation_id":"e"}`, 404)
	c.call("DELETE", "/api/v1/conversations/c", "", 204)
	c.same("the branch of a deleted conversation", c.messages("d"), "user: one", "user: edited")
}
