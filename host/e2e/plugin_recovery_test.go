package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recoverWithin is how long the host may take to find and start a repaired plugin and to serve its
// tenants. It is twice the expected time, for a busy machine.
const recoverWithin = 30 * time.Second

// TestPluginRecovery checks a plugin whose binary is missing, or ends as soon as it is started. The list
// of tenants must show the tenants of this plugin, one from a file and one registered, as unavailable.
// When the binary is repaired, the host must serve the tenants without a reload or a request.
func TestPluginRecovery(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"broken": func(path string) error {
			// A rename replaces the binary, because a running binary cannot be overwritten.
			if err := os.WriteFile(path+".new", []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		for _, running := range []bool{false, true} {
			when := " at the start"
			if running {
				when = " later"
			}
			if running && name == "broken" {
				continue // the running process goes on until a new process is ready
			}
			t.Run(name+when, func(t *testing.T) {
				host := start(t, `data_dir = "data"
registry {
  storage {
    backend = "sqlite"
  }
}
defaults {
  llm {
    provider = "echo"
  }
  conversation_storage {
    backend = "sqlite"
  }
}
`, map[string]string{"bystander.hcl": ""})
				host.stop(syscall.SIGTERM)
				own := filepath.Join(host.dir, "plugins")
				if err := os.CopyFS(own, os.DirFS(filepath.Join(binaries, "plugins"))); err != nil {
					t.Fatal(err)
				}
				if err := filepath.WalkDir(own, func(path string, d os.DirEntry, err error) error { return os.Chmod(path, 0o700) }); err != nil {
					t.Fatal(err)
				}
				hostFile, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
				if err != nil {
					t.Fatal(err)
				}
				host.write("botyard.hcl", strings.Replace(string(hostFile), filepath.Join(binaries, "plugins"), own, 1))
				host.write("tenants/file.hcl", "conversation_storage {\n  backend = \"memory\"\n}\n")
				host.run()
				host.put("registered", `{"conversation_storage": {"backend": "memory"}}`)
				plugin := filepath.Join(own, "botyard-storage-memory")
				good, err := os.ReadFile(plugin)
				if err != nil {
					t.Fatal(err)
				}
				if !running {
					host.stop(syscall.SIGTERM)
				}
				if err := spoil(plugin); err != nil {
					t.Fatal(err)
				}
				if !running {
					host.run()
				}
				states := func() (out [2]string) {
					list, err := host.cli("tenant", "list")
					if err != nil {
						t.Fatalf("%v: %s", err, list)
					}
					for line := range strings.Lines(list) {
						for i, id := range []string{"file", "registered"} {
							if !strings.HasPrefix(line, id+" ") {
								continue
							}
							for _, state := range []string{"invalid: ", "unavailable: ", " ok"} {
								if strings.Contains(line, state) {
									out[i] = strings.TrimSpace(state)
								}
							}
						}
					}
					return out
				}
				refused := func(id string) func() bool {
					return func() bool { return host.chat(id, "c", "hello").Status != 200 }
				}
				if running {
					host.eventually(recoverWithin, "it is noticed", func() bool { return strings.Contains(host.log.String(), "plugin is gone") })
				}
				for i, id := range []string{"file", "registered"} {
					host.eventually(recoverWithin, id+" is refused", refused(id))
					host.eventually(recoverWithin, "the list says so of "+id, func() bool {
						return states()[i] == "unavailable:" || states()[i] == "invalid:"
					})
				}
				if a := host.chat("bystander", "c", "hello"); a.Status != 200 {
					t.Errorf("another tenant: %d %s", a.Status, a.Body)
				}
				if err := os.WriteFile(plugin+".new", good, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(plugin+".new", plugin); err != nil {
					t.Fatal(err)
				}
				host.eventually(recoverWithin, "the list says that they are well", func() bool { return states() == [2]string{"ok", "ok"} })
				for _, id := range []string{"file", "registered"} {
					if a := host.chat(id, "c", "hello"); a.Status != 200 {
						t.Errorf("%s: %d %s", id, a.Status, a.Body)
					}
				}
			})
		}
	}
}
