package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries is the folder with the program botyard and the folder plugins/. TestMain builds them once for
// all tests.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "botyard-e2e")
	if err != nil {
		panic(err)
	}
	code := 1
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		binaries = dir
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	for _, p := range [][2]string{
		{"../cmd/botyard", "botyard"},
		{"../../plugins/llm-anthropic/cmd/botyard-llm-anthropic", "plugins/botyard-llm-anthropic"},
		{"../../plugins/llm-echo/cmd/botyard-llm-echo", "plugins/botyard-llm-echo"},
		{"../../plugins/llm-ollama/cmd/botyard-llm-ollama", "plugins/botyard-llm-ollama"},
		{"../../plugins/llm-openai/cmd/botyard-llm-openai", "plugins/botyard-llm-openai"},
		{"../../plugins/memory-buffer/cmd/botyard-memory-buffer", "plugins/botyard-memory-buffer"},
		{"../../plugins/storage-memory/cmd/botyard-storage-memory", "plugins/botyard-storage-memory"},
		{"../../plugins/storage-sqlite/cmd/botyard-storage-sqlite", "plugins/botyard-storage-sqlite"},
		{"../../plugins/storage-postgres/cmd/botyard-storage-postgres", "plugins/botyard-storage-postgres"},
	} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, p[1]), p[0]).CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p[0], err, out)
		}
	}
	return nil
}
