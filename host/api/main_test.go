package api

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// pluginDir is the folder with the executables of the plugins.
var pluginDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	pluginDir = filepath.Join(dir, "plugins")
	if err := buildPlugins(pluginDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}

// buildPlugins builds each plugin in the plugin's own module, because this module must not import
// plugins.
func buildPlugins(dir string) error {
	for _, name := range []string{"llm-echo", "memory-buffer", "storage-memory"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "botyard-"+name), "./cmd/botyard-"+name)
		build.Dir = filepath.Join("..", "..", "plugins", name)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
	}
	return nil
}
