package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// keptTurn is a stored turn as the API returns it.
type keptTurn struct {
	Sequence int64
	Turn     *int64
	State    string
	Key      string `json:"idempotency_key"`
	Messages []struct{ Role, Content string }
	Started  time.Time  `json:"started_at"`
	Ended    *time.Time `json:"ended_at"`
}

// allTurns returns all turns of a conversation, including turns that did not succeed.
func (host *hostProcess) allTurns(tenant, conversation string) []keptTurn {
	host.t.Helper()
	var all []keptTurn
	for after := ""; ; {
		a := host.do("GET", "/api/v1/conversations/"+conversation+"/turns?limit=1000"+after, "", "X-Tenant-ID: "+tenant)
		var page struct {
			Turns []keptTurn
			Next  *json.Number
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || a.Status != 200 {
			host.t.Fatalf("the turns of %s: %v, %d %s", conversation, err, a.Status, a.Body)
		}
		all = append(all, page.Turns...)
		if page.Next == nil {
			return all
		}
		after = "&after=" + page.Next.String()
	}
}

// judge stops the load and checks that the turns that each host returns agree with the turns that were
// acknowledged. It reports every difference as an error of the test.
func (l *load) judge(hosts ...*hostProcess) {
	l.t.Helper()
	l.stop()
	begin := time.Now()
	all, unended := 0, 0
	for _, host := range hosts {
		for c := range conversations {
			conversation := l.conversation(c)
			turns := host.allTurns(l.tenant(c), conversation)
			for _, wrong := range judge(turns, l.acked[conversation]) {
				l.t.Errorf("%s: %s", conversation, wrong)
			}
			all += len(l.acked[conversation])
			for _, k := range turns {
				if k.State != "succeeded" {
					unended++
				}
			}
		}
	}
	l.t.Logf("%d acknowledged turns are there, %d others did not succeed; refused: %v (judged in %s)",
		all/len(hosts), unended/len(hosts), l.refused, time.Since(begin).Round(time.Millisecond))
}

// shown matches the end of a reply of the echo model, which says how many earlier messages the model got.
var shown = regexp.MustCompile(`I was shown (no|\d+) earlier messages?(?:\.|, the first: "(.*)"\.)$`)

// judge returns the errors in the turns of a conversation, and the differences between them and the
// acknowledged turns.
func judge(turns []keptTurn, seen []acked) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var log []keptTurn
	keys := map[string]bool{}
	for i, k := range turns {
		if k.Sequence != int64(i+1) {
			bad("turn %d of all has sequence %d", i+1, k.Sequence)
		}
		if i > 0 && (turns[i-1].Ended == nil || k.Started.Before(*turns[i-1].Ended)) {
			bad("turn %d began before %d had ended", i+1, i)
		}
		if (k.State == "succeeded") != (k.Turn != nil) {
			bad("turn %d of all is %s and has the number %v", i+1, k.State, k.Turn)
		}
		if k.Turn == nil {
			continue
		}
		log = append(log, k)
		if *k.Turn != int64(len(log)) {
			bad("the log has number %d after %d", *k.Turn, len(log)-1)
		}
		if keys[k.Key] {
			bad("%q is there twice", k.Key)
		}
		keys[k.Key] = true
		if len(k.Messages) != 2 || k.Messages[0].Content != k.Key {
			bad("number %d is %+v; want a message %q and a reply", *k.Turn, k.Messages, k.Key)
			return wrong
		}
		if problem := followed(log); problem != "" {
			bad("%s", problem)
		}
	}
	for _, a := range seen {
		if a.number < 1 || a.number > int64(len(log)) {
			bad("%q was acknowledged as number %d, and the log ends with %d", a.text, a.number, len(log))
			continue
		}
		if k := log[a.number-1]; k.Messages[0].Content != a.text || k.Messages[1].Content != a.reply {
			bad("number %d was acknowledged as %q, %q, and is %q, %q", a.number, a.text, a.reply, k.Messages[0].Content, k.Messages[1].Content)
		}
	}
	numbers := make([]int64, len(seen))
	for i, a := range seen {
		numbers[i] = a.number
	}
	slices.Sort(numbers)
	if len(slices.Compact(numbers)) != len(seen) {
		bad("two messages were acknowledged with one number: %v", numbers)
	}
	return wrong
}

// followed checks that the model got the preceding messages in the newest turn of the log. The echo
// model's reply says which messages it got. followed returns a description of the error, or "".
func followed(log []keptTurn) string {
	before := log[:len(log)-1]
	reply := log[len(before)].Messages[1].Content
	said := shown.FindStringSubmatch(reply)
	if said == nil {
		return fmt.Sprintf("number %d was answered %q", len(log), reply)
	}
	want := min(2*len(before), window)
	got, _ := strconv.Atoi(said[1]) // 0 for the word "no"
	if got != want {
		return fmt.Sprintf("the model saw %d messages before number %d; want %d", got, len(log), want)
	}
	if want > 0 && said[2] != before[len(before)-want/2].Messages[0].Content {
		return fmt.Sprintf("the first message that the model saw before number %d was %q", len(log), said[2])
	}
	return ""
}

// judgeRows checks the rows in the fleet's database for repeated messages and gaps.
func (f *fleet) judgeRows() {
	f.t.Helper()
	const logs = `select c.tenant, c.id %s from botyard.conversations as c join botyard.turns as t using (cid)
		where t.number is not null %s group by c.tenant, c.id %s having %s limit 5`
	for what, sql := range map[string]string{
		"a message is there twice": fmt.Sprintf(logs, ", t.key", "and t.key is not null", ", t.key", "count(*) > 1"),
		"a log has gaps": fmt.Sprintf(logs, "", "", "",
			"min(t.number) <> 1 or max(t.number) <> count(*) or count(distinct t.number) <> count(*)"),
	} {
		if rows := f.sql("%s", sql); rows != "" {
			f.t.Errorf("%s:\n%s", what, rows)
		}
	}
}
