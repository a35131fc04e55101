package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// applyWithin is how long a changed file may take to apply. It is twice the expected time, for a busy
// machine.
const applyWithin = 4 * time.Second

func TestTenantFiles_areFollowed(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "prompts {\n  system = \"first\"\n}\n", "b.hcl": ""})
	host.mustChat("a", "kept", "remember this")
	host.write("tenants/a.hcl", "prompts {\n  system = \"second\"\n}\n")
	host.eventually(applyWithin, "a changed file applies", host.says("a", "second"))
	host.write("tenants/c.yaml", "prompts: {system: third}\n")
	host.eventually(applyWithin, "a new file applies", host.says("c", "third"))

	host.write("tenants/a.hcl", "prompts {\n  sistem = \"bad\"\n}\n")
	host.eventually(applyWithin, "a bad file is told", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Contains(out, "a.hcl:2:3: prompts.sistem")
	})
	if a := host.mustChat("a", "kept", "Do you remember me?"); !strings.Contains(a.Reply, "remember this") {
		t.Errorf("a bad file disturbed what was served: %s", a.Reply)
	}
	if !host.says("a", "second")() {
		t.Error("the last good revision is not served")
	}
	host.stop(syscall.SIGTERM)
	host.run()
	if !host.says("a", "second")() {
		t.Error("the last good revision is not served after a restart")
	}
	if out, _ := host.cli("tenant", "list"); !strings.Contains(out, "prompts.sistem") {
		t.Errorf("the error is not told after a restart: %s", out)
	}

	host.mustChat("c", "kept", "still there")
	if err := os.Remove(filepath.Join(host.dir, "tenants/c.yaml")); err != nil {
		t.Fatal(err)
	}
	host.eventually(applyWithin, "a removed tenant is not served", func() bool { return host.chat("c", "probe", "x").Status == 404 })
	host.write("tenants/c.yaml", "prompts: {system: third}\n")
	host.eventually(applyWithin, "it is back", host.says("c", "third"))
	if a := host.mustChat("c", "kept", "Do you remember me?"); !strings.Contains(a.Reply, "still there") {
		t.Errorf("a removed file deleted conversations: %s", a.Reply)
	}
}

// TestTenantFiles_renamed renames the files of all tenants at once, from .hcl to .yaml, while each tenant
// gets requests. Every second new file is invalid. Tenants with an invalid file must be served with the
// last good version.
func TestTenantFiles_renamed(t *testing.T) {
	const tenants = 4
	files := map[string]string{}
	for i := range tenants {
		files[fmt.Sprintf("t%d.hcl", i)] = "prompts {\n  system = \"first\"\n}\n"
	}
	host := start(t, echoDefaults, files)
	ctx, stop := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	for i := range tenants {
		asking.Go(func() {
			for ctx.Err() == nil {
				if a := host.chat(fmt.Sprintf("t%d", i), "asked", "hello"); a.Status != 200 {
					t.Errorf("t%d: %d %s", i, a.Status, a.Body)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for i := range tenants {
		text := "prompts: {system: second}\n"
		if i%2 == 0 {
			text = "prompts: {sistem: second}\n"
		}
		host.write(fmt.Sprintf("tenants/t%d.yaml", i), text)
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Error(err)
		}
	}
	host.write("tenants/t9.YAML", "prompts: {system: ninth}\n")
	told := func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, ".yaml:1:11: prompts.sistem") == tenants/2 && strings.Contains(out, "t9.YAML")
	}
	host.eventually(applyWithin, "the mistakes are told", told)
	time.Sleep(1500 * time.Millisecond) // longer than the host waits for a missing file to come back
	stop()
	asking.Wait()
	check := func() {
		t.Helper()
		for i := range tenants {
			want := []string{"first", "second"}[i%2]
			host.eventually(applyWithin, "it says what its good file says", host.says(fmt.Sprintf("t%d", i), want))
		}
	}
	check()
	host.stop(syscall.SIGTERM)
	host.run()
	check()
	if !told() {
		t.Error("the mistakes are not told after a restart")
	}
}

func TestTenantFiles_vanishTogether(t *testing.T) {
	files := map[string]string{}
	for i := range 4 {
		files[fmt.Sprintf("t%d.hcl", i)] = ""
	}
	host := start(t, echoDefaults, files)
	for i := range 3 {
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Fatal(err)
		}
	}
	host.eventually(applyWithin, "it is told", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, "the file is gone") == 3
	})
	host.mustChat("t0", "c", "still served")
	good, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// A reload with files that break a tenant, or that are invalid, applies nothing. It therefore drops no
	// tenant.
	for _, bad := range []string{strings.Replace(string(good), `"echo"`, `"ollama"`, 1), "lisen = 1\n" + string(good)} {
		host.write("botyard.hcl", bad)
		for _, flags := range [][]string{{"--confirm-removed"}, {"--confirm-removed", "--dry-run"}} {
			if out, err := host.cli(append([]string{"config", "reload"}, flags...)...); err == nil || strings.Contains(out, "dropped") {
				t.Errorf("%v: %v: %s", flags, err, out)
			}
		}
		host.mustChat("t0", "c", "still served")
	}
	host.write("botyard.hcl", string(good))
	out, err := host.cli("config", "reload", "--confirm-removed", "--dry-run")
	if err != nil || strings.Count(out, "would be dropped") != 3 {
		t.Errorf("%v: %s", err, out)
	}
	host.mustChat("t0", "c", "still served")
	out, err = host.cli("config", "reload", "--confirm-removed")
	if err != nil || strings.Count(out, "is dropped") != 3 {
		t.Errorf("%v: %s", err, out)
	}
	if a := host.chat("t0", "c", "x"); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	host.mustChat("t3", "c", "never disturbed")
}

// TestTenantFiles_confirmedRemoval checks a reload of host files that would break tenants whose files are
// gone. The reload must succeed if the operator confirms the removal of these tenants.
func TestTenantFiles_confirmedRemoval(t *testing.T) {
	const uses = "prompts {\n  system = \"{{who}} is gone\"\n}\n"
	defines := strings.Replace(echoDefaults, "defaults {\n", "defaults {\n  prompts {\n    variables = { who = \"nobody\" }\n  }\n", 1)
	host := start(t, defines, map[string]string{"stays.hcl": "", "t0.hcl": uses, "t1.hcl": uses})
	for i := range 2 {
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Fatal(err)
		}
	}
	host.eventually(applyWithin, "they are held", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, "the file is gone") == 2
	})
	good, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", strings.Replace(string(good), "variables = { who = \"nobody\" }", "system = \"without variables\"", 1))
	if out, err := host.cli("config", "reload"); err == nil || !strings.Contains(out, "breaks") {
		t.Errorf("files were applied that break tenants that are served: %v: %s", err, out)
	}
	for _, dry := range []bool{true, false} {
		args := []string{"config", "reload", "--confirm-removed"}
		told := "is dropped"
		if dry {
			args, told = append(args, "--dry-run"), "would be dropped"
		}
		if out, err := host.cli(args...); err != nil || strings.Count(out, told) != 2 || strings.Contains(out, "breaks") {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	if a := host.chat("t0", "c", "x"); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if !host.says("stays", "without variables")() {
		t.Error("the files were not applied")
	}
}
