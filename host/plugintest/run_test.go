package plugintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// build builds a program of this repository and returns its path.
func build(t *testing.T, from, target, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", path, target)
	cmd.Dir = from
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return path
}

// TestRun_flawed checks that each rule finds the plugin that breaks it, and that no other rule
// fails beside those that are listed.
func TestRun_flawed(t *testing.T) {
	program, err := os.ReadFile(build(t, ".", "./internal/flawed", "flawed"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range rules {
		all = append(all, r.name)
	}
	found := map[string]bool{}
	for _, c := range []struct {
		flaw  string
		fails []string
		says  string
	}{
		{"sound", nil, ""},
		{"babbling", all, `is "Hello!", and not 1|1|unix|PATH|grpc|`},
		{"elsewhere", all, "not at a unix socket in PLUGIN_UNIX_SOCKET_DIR"},
		{"misnamed", []string{"info"}, `the llm plugin "other", and its file is that of the llm plugin "misnamed"`},
		{"unwell", []string{"health", "calls-at-once"}, "NOT_SERVING"},
		{"open", []string{"secret"}, "GetInfo with no secret is answered with OK"},
		{"open-health", []string{"secret"}, "grpc.health.v1.Health/Check with another secret is answered with OK"},
		{"prefix", []string{"secret"}, "with another secret"},
		{"mortal", []string{"signals"}, `the signal "terminated" ends it`},
		{"undying", []string{"end-of-input"}, "goes on after the end of its standard input"},
		{"failing", []string{"end-of-input"}, "exit status 3"},
		{"once", []string{"configure"}, "I know that one"},
		{"unreleasing", []string{"configure"}, "I do not know that one"},
		{"forgetful", []string{"unknown-instance"}, "something is wrong"},
		{"choosy", []string{"check-config"}, "finds a problem in the configuration that it takes: I do not like it"},
		{"lost", []string{"check-config"}, "at third, which its schema does not have: is two colons"},
		{"hasty", []string{"check-config"}, "a mistake in first and one in second, but not both at once"},
		{"dialing", []string{"check-config-effect"}, "CheckConfig opens a connection to 127.0.0.1:"},
		{"writing", []string{"check-config-effect"}, "CheckConfig changes files"},
		{"wordless", []string{"check"}, "Check fails with the code Unavailable and no Fault: the server is away"},
		{"optimistic", []string{"check"}, `Check of the instance "never", which it does not have`},
		{"stuck", []string{"check-deadline"}, "Release of the instance fails, since they go on"},
		{"small", []string{"sizes"}, "a field that it does not know"},
		{"fragile", []string{"bad-requests"}, "botyard.llm.v1.LLMService.Chat: after a request in which everything is missing"},
		{"catchall", []string{"unknown-method"}, "ends with Internal"},
		{"pool", []string{"calls-at-once"}, "while 64 calls are open, as max_concurrent_calls = 0 allows"},
	} {
		t.Run(c.flaw, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "botyard-llm-"+c.flaw)
			if err := os.WriteFile(path, program, 0o755); err != nil {
				t.Fatal(err)
			}
			results, err := Run(t.Context(), Options{Binary: path, Only: all, timeout: 10 * time.Second})
			if err != nil || len(results) != len(all) {
				t.Fatal(results, err)
			}
			var fails []string
			var text strings.Builder
			for _, r := range Problems(results) {
				fails = append(fails, r.Rule)
				fmt.Fprintf(&text, "%s: %s\n", r.Rule, r.Problem)
			}
			if !slices.Equal(fails, c.fails) || !strings.Contains(text.String(), c.says) {
				t.Errorf("fails %q, want %q with %q:\n%s", fails, c.fails, c.says, text.String())
			}
		})
		for _, r := range c.fails {
			found[r] = true
		}
	}
	for _, r := range all {
		if !found[r] {
			t.Errorf("no flawed plugin fails the rule %s", r)
		}
	}
}

// TestRun_kit checks that rules of a kit apply to a process by the features that it lists, and that they
// fail over it.
func TestRun_kit(t *testing.T) {
	program, err := os.ReadFile(build(t, ".", "./internal/flawed", "flawed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flaw, rule string
		want       Outcome
		says       string
	}{
		{"silent", "llm/stream", Failed, "empty"},
		{"sound", "llm/stream", Passed, ""},
		{"sound", "llm/embed", Skipped, ""},
		{"sound", "llm/overrides", Skipped, ""},
		{"sound", "llm/check", Passed, ""},
		{"sickly", "llm/check", Failed, "check of an instance that works fails"},
		{"heedless", "llm/overrides", Failed, "an override of an unknown key: chat succeeded; want a refusal at overrides.botyard_kit_no_such_key"},
		// The host refuses what a plugin without the features must not be sent.
		{"plain", "llm/refuses-tools", Passed, ""},
		{"plain", "llm/refuses-formats", Passed, ""},
	} {
		t.Run(c.flaw+"/"+c.rule, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "botyard-llm-"+c.flaw)
			if err := os.WriteFile(path, program, 0o755); err != nil {
				t.Fatal(err)
			}
			results, err := Run(t.Context(), Options{Binary: path, Only: []string{c.rule}})
			if err != nil || len(results) != 1 {
				t.Fatal(results, err)
			}
			if r := results[0]; r.Outcome != c.want || !strings.Contains(r.Problem, c.says) || !strings.HasPrefix(r.Protocol, "botyard.") || !strings.HasPrefix(r.Section, "docs/protocol.md#") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestRun_builtIn checks that plugins of this repository keep the rules of processes, and some of them
// all rules. TestPluginTest_builtIn of host/e2e checks all rules of all.
func TestRun_builtIn(t *testing.T) {
	for _, c := range []struct {
		plugin, config string
		only           []string
	}{
		{plugin: "llm-echo", config: `{"token_delay_ms":1}`},
		{plugin: "llm-anthropic", config: `{"model":"none","base_url":"http://127.0.0.1:1"}`, only: ruleNames()},
		{plugin: "llm-ollama", config: `{"model":"none"}`, only: ruleNames()},
		{plugin: "llm-openai", config: `{"model":"none","base_url":"http://127.0.0.1:1/v1"}`, only: ruleNames()},
		{plugin: "memory-buffer"},
		{plugin: "storage-memory"},
		{plugin: "storage-sqlite", only: append(ruleNames(), "storage/turn")},
		{plugin: "storage-postgres", config: `{"dsn":"postgres://nobody@127.0.0.1:1/none"}`, only: ruleNames()},
	} {
		t.Run(c.plugin, func(t *testing.T) {
			t.Parallel()
			name := "botyard-" + c.plugin
			o := Options{Binary: build(t, filepath.Join("..", "..", "plugins", c.plugin), "./cmd/"+name, name), Only: c.only}
			if c.config != "" {
				o.Config = []byte(c.config)
			}
			results, err := Run(t.Context(), o)
			if err != nil || len(results) < len(rules) {
				t.Fatal(results, err)
			}
			for _, r := range results {
				switch {
				case r.Outcome == Failed:
					t.Errorf("%s: %s", r.Rule, r.Problem)
				case r.Outcome == Skipped && !strings.Contains(r.Rule, "/"):
					t.Logf("%s does not apply", r.Rule)
				}
			}
		})
	}
}

func ruleNames() []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.name)
	}
	return out
}

// TestRule_protocol checks that each rule names a part of the protocol that exists.
func TestRule_protocol(t *testing.T) {
	all := slices.Clone(rules)
	for kind := range serviceOf {
		all = append(all, (&bench{kind: kind}).kitRules()...)
	}
	for _, r := range all {
		if _, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(r.protocol)); err != nil {
			t.Errorf("%s: %s: %v", r.name, r.protocol, err)
		}
	}
}

// TestRule_section checks that each rule names a section of docs/protocol.md that exists.
func TestRule_section(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		plain := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(m[1]), "")
		anchors[strings.ReplaceAll(plain, " ", "-")] = true
	}
	all := slices.Clone(rules)
	for kind := range serviceOf {
		all = append(all, (&bench{kind: kind}).kitRules()...)
	}
	for _, r := range all {
		if !anchors[r.section] {
			t.Errorf("%s: %s has no section #%s", r.name, page, r.section)
		}
	}
	for _, s := range sections {
		if !slices.ContainsFunc(all, func(r rule) bool { return strings.HasPrefix(r.name, s.rule) && r.section == s.section }) {
			t.Errorf("no rule begins with %s", s.rule)
		}
	}
}

func TestRun_refused(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"plugin": "botyard-KIND-NAME", "botyard-llm-gone": "no such file"} {
		if _, err := Run(context.Background(), Options{Binary: filepath.Join(dir, name)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(dir, "botyard-llm-x")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), Options{Binary: path, Only: []string{"storage/begin"}}); !errors.Is(err, ErrUnknownRule) || !strings.Contains(err.Error(), "llm/stream") {
		t.Error(err)
	}
}
