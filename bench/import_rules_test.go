package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	sdkPath     = "github.com/botyard/botyard/sdk"
	hostPath    = "github.com/botyard/botyard/host"
	pluginsPath = "github.com/botyard/botyard/plugins"
	benchPath   = "github.com/botyard/botyard/bench"
)

// forbidden is an import path that a module must not import, directly or indirectly. The field because has
// the reason.
type forbidden struct{ path, because string }

var (
	noBench = forbidden{benchPath, "bench is what knows both sides; nothing is built on it"}

	ofSDK = []forbidden{
		{hostPath, "a plugin's author would get the host with the SDK, and a change of the host would be one of every plugin"},
		{pluginsPath, "the SDK is what plugins are made with"},
		noBench,
	}
	ofHost = []forbidden{
		{pluginsPath, "plugins are found by the name of their file; a host that links one cannot be without it"},
		{"github.com/jackc/pgx", "databases are their storage plugins' matter"},
		{"modernc.org/sqlite", "databases are their storage plugins' matter"},
		{"github.com/ollama/ollama", "providers are their LLM plugins' matter"},
		{"github.com/openai/openai-go", "providers are their LLM plugins' matter"},
		noBench,
	}
	ofPlugin = []forbidden{
		{hostPath, "a plugin runs with whatever host started it, and all that joins them is the protocol"},
		noBench,
	}
)

// TestImportRules checks that the host and each plugin, tests included, import the SDK but neither each
// other nor package bench.
func TestImportRules(t *testing.T) {
	check(t, "sdk", ofSDK)
	check(t, "host", ofHost)
	all, err := filepath.Glob("../plugins/*/go.mod")
	if err != nil || len(all) == 0 {
		t.Fatalf("no plugins were found: %v", err)
	}
	for _, mod := range all {
		name := filepath.Base(filepath.Dir(mod))
		rules := ofPlugin
		for _, other := range all {
			if other != mod {
				rules = append(rules[:len(rules):len(rules)], forbidden{
					pluginsPath + "/" + filepath.Base(filepath.Dir(other)), "what two plugins share belongs into the SDK"})
			}
		}
		check(t, "plugins/"+name, rules)
	}
}

// listed is a package in the output of "go list".
type listed struct {
	ImportPath string
	Imports    []string
}

// check runs a subtest for a module. The subtest fails for each forbidden path that the module or one of
// its dependencies imports.
func check(t *testing.T, module string, rules []forbidden) {
	t.Run(module, func(t *testing.T) {
		t.Parallel()
		importers := map[string]string{} // maps an imported path to one package that imports it
		for _, p := range deps(t, module) {
			for _, i := range p.Imports {
				if importers[i] == "" {
					importers[i] = p.ImportPath
				}
			}
		}
		for path, importer := range importers {
			for _, r := range rules {
				if path == r.path || strings.HasPrefix(path, r.path+"/") {
					t.Errorf("%s imports %s: %s", importer, path, r.because)
				}
			}
		}
	})
}

// deps returns the packages of the module, their tests, and all their dependencies.
func deps(t *testing.T, module string) (all []listed) {
	cmd := exec.Command("go", "list", "-deps", "-test", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = filepath.Join("..", module)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(out); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil || len(all) == 0 {
		t.Fatalf("go list in %s: %d packages, %v", module, len(all), err)
	}
	return all
}

// TestImportRulesCanBreak checks that deps lists forbidden imports. It uses the module bench, which may
// import the host and the plugins.
func TestImportRulesCanBreak(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range deps(t, "bench") {
		for _, i := range p.Imports {
			for _, path := range []string{hostPath, pluginsPath + "/llm-echo"} {
				if i == path || strings.HasPrefix(i, path+"/") {
					seen[path] = true
				}
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("of what bench imports only %v was seen", seen)
	}
}
