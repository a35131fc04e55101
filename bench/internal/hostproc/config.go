package hostproc

import (
	"fmt"
	"strings"
)

// Settings are the settings of a host under test. A zero field stands for the default.
type Settings struct {
	Tokens    int // tokens of each reply
	CacheSize int // most bots that are cached; 0 is the default
	// NoMetrics turns the host's metrics off.
	NoMetrics bool
	// Env are the names of the environment variables that plugins inherit.
	Env     []string
	Storage Storage
	// DataDir is the data folder of the host, which the caller removes. If DataDir is empty, the host gets
	// a folder of its own, which Stop removes. Hosts that run one after another on the same registry need
	// the same DataDir.
	DataDir string
}

// Storage says where a host stores conversations and tenants.
type Storage struct {
	Backend string // name of the storage plugin; empty is memory
	DSN     string // address of the Postgres database
	// Registry stores the tenants in the backend too. If false, they are only in the memory of the host.
	Registry bool
}

func (s Storage) name() string {
	if s.Backend == "" {
		return "memory"
	}
	return s.Backend
}

// block returns the keys of the storage block in HCL.
func (s Storage) block() string {
	text := fmt.Sprintf("backend = %q\n", s.name())
	if s.DSN != "" {
		text += fmt.Sprintf("dsn = %q\n", s.DSN)
	}
	return text
}

// MaxMessages is how many messages of a conversation the model gets. The sample tenants have the same
// value.
const MaxMessages = 10

// hcl returns the host file. Its limit of 1024 concurrent turns of a tenant is higher than any load here
// needs.
func (s Settings) hcl(pluginDir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin_dirs = [%q]\ndata_dir = %q\nlimits { concurrent_turns = 1024 }\n", pluginDir, s.DataDir)
	if s.NoMetrics {
		b.WriteString("metrics {\nenabled = false\n}\n")
	}
	if s.CacheSize > 0 || s.Storage.Registry {
		b.WriteString("registry {\n")
		if s.CacheSize > 0 {
			fmt.Fprintf(&b, "max_cache_size = %d\ncache_ttl = 3600\n", s.CacheSize)
		}
		if s.Storage.Registry {
			fmt.Fprintf(&b, "storage {\n%s}\n", s.Storage.block())
		}
		b.WriteString("}\n")
	}
	if len(s.Env) > 0 {
		plugins := []string{`"llm" "echo"`, `"memory" "buffer"`, `"storage" "memory"`}
		if name := s.Storage.name(); name != "memory" {
			plugins = append(plugins, fmt.Sprintf(`"storage" %q`, name))
		}
		for _, p := range plugins {
			fmt.Fprintf(&b, "plugin %s { env = [\"%s\"] }\n", p, strings.Join(s.Env, `", "`))
		}
	}
	fmt.Fprintf(&b, `defaults {
  llm {
    provider = "echo"
    tokens   = %d
  }
  memory {
    type         = "buffer"
    max_messages = %d
  }
  conversation_storage {
    %s  }
  prompts { system = "You are a support assistant." }
}
`, s.Tokens, MaxMessages, s.Storage.block())
	return b.String()
}
