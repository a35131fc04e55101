package api

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestProblem_tableOfTheProtocol checks the table in fault.proto, which authors of plugins read,
// against the parties, the retries and the statuses of this host.
func TestProblem_tableOfTheProtocol(t *testing.T) {
	text, err := os.ReadFile("../../sdk/proto/botyard/fault/v1/fault.proto")
	if err != nil {
		t.Fatal(err)
	}
	origins := map[string]fault.Origin{"llm": fault.OriginModel, "memory": fault.OriginMemory}
	rows := regexp.MustCompile(`(?m)^// \| ([A-Z_]+) \| ([^|]+) \| (yes|no) \| (\d+) \|$`).FindAllStringSubmatch(string(text), -1)
	seen := map[fault.Class]bool{}
	for _, row := range rows {
		name, parties, retry, status := row[1], row[2], row[3], row[4]
		t.Run(name, func(t *testing.T) {
			class, ok := fault.ParseClass(strings.ToLower(name))
			if !ok {
				t.Fatal("there is no such class")
			}
			seen[class] = true
			usual, special, _ := strings.Cut(parties, "; ")
			party, kind, _ := strings.Cut(special, " from ")
			for _, origin := range []fault.Origin{fault.OriginPlugin, fault.OriginModel, fault.OriginMemory, fault.OriginStorage} {
				e, want := fault.New(class, "x").From(origin), usual
				if kind != "" && origins[strings.Fields(kind)[1]] == origin {
					want = party
				}
				if e.Party.String() != want || e.Retryable != (retry == "yes") {
					t.Errorf("of origin %d: the %s is to blame and retryable is %t; want the %s", origin, e.Party, e.Retryable, want)
				}
				if want == usual && strconv.Itoa(NewProblem(e).Status) != status {
					t.Errorf("of origin %d: status %d; want %s", origin, NewProblem(e).Status, status)
				}
			}
		})
	}
	for class := range problemRules {
		if !seen[class] && class != fault.Canceled {
			t.Errorf("the table does not have %s", class)
		}
	}
}
