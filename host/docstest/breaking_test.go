package docstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBreaking_sh checks that tools/breaking.sh, which make lint runs, refuses a protocol that breaks
// the recorded candidate, and accepts each change that the exceptions list with a reason.
func TestBreaking_sh(t *testing.T) {
	if _, err := os.Stat("../../bin/tools/buf"); err != nil {
		t.Fatalf("buf is missing: run make lint once, which builds it: %v", err)
	}
	const change = `botyard/plugin/v1/plugin.proto: Previously present RPC "Release" on service "PluginService" was deleted.`
	for _, c := range []struct {
		name, old, new, exceptions string
		want                       string // a part of the output; empty if the protocol is accepted
	}{
		{"nothing changed", "", "", "", ""},
		{"a new field", "message ReleaseResponse {}", "message ReleaseResponse { string left = 1; }", "", ""},
		{"a new RPC", "service PluginService {", "service PluginService { rpc Again(ReleaseRequest) returns (ReleaseResponse);", "", ""},
		{"a deleted RPC", "rpc Release(ReleaseRequest) returns (ReleaseResponse);", "", "", "breaks the protocol: " + change},
		{"a changed type", "string instance = 1;", "int64 instance = 1;", "", `breaks the protocol: botyard/plugin/v1/plugin.proto: Field "1" with name "instance"`},
		{"an exception", "rpc Release(ReleaseRequest) returns (ReleaseResponse);", "", "# Nobody calls it.\n" + change + "\n", ""},
		{"an exception without a reason", "rpc Release(ReleaseRequest) returns (ReleaseResponse);", "", "# For others.\n\n" + change + "\n", "an exception has no reason: " + change},
		{"an exception for nothing", "", "", "# A reason.\n" + change + "\n", "is listed as an exception, and breaks nothing: " + change},
		{"no protocol", "syntax = ", "sin tax = ", "", "unexpected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "proto")
			if err := os.CopyFS(folder, os.DirFS("../../tools/protocol")); err != nil {
				t.Fatal(err)
			}
			plugin := filepath.Join(folder, "botyard/plugin/v1/plugin.proto")
			text, err := os.ReadFile(plugin)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.old) {
				t.Fatalf("the recorded protocol has no %q", c.old)
			}
			if c.old != "" {
				text = []byte(strings.ReplaceAll(string(text), c.old, c.new))
			}
			if err := os.WriteFile(plugin, text, 0o600); err != nil {
				t.Fatal(err)
			}
			exceptions := filepath.Join(t.TempDir(), "exceptions")
			if err := os.WriteFile(exceptions, []byte(c.exceptions), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "../../tools/breaking.sh", folder)
			cmd.Env = append(os.Environ(), "BOTYARD_PROTO_EXCEPTIONS="+exceptions)
			out, err := cmd.CombinedOutput()
			if c.want == "" && (err != nil || len(out) > 0) {
				t.Errorf("refused: %v\n%s", err, out)
			}
			if c.want != "" && (err == nil || !strings.Contains(string(out), c.want)) {
				t.Errorf("got %v\n%s\nwant %s", err, out, c.want)
			}
		})
	}
}
