package hostproc

import (
	"fmt"
	"strings"
)

// Settings are what a host under test is configured with beside the defaults.
type Settings struct {
	Tokens    int // of each reply
	CacheSize int // bots; 0 is the default
	// NoMetrics says that the host counts no metrics.
	NoMetrics bool
	// Env are variables that plugins get.
	Env     []string
	Storage Storage
	// DataDir is for what the host keeps, and is its caller's; empty for one that goes
	// with the host. Hosts that share a registry share it.
	DataDir string
}

// Storage is where conversations are kept.
type Storage struct {
	Backend string // empty is memory
	DSN     string // of postgres
	// Registry says that tenants are kept there too; else the host alone knows them.
	Registry bool
}

func (s Storage) name() string {
	if s.Backend == "" {
		return "memory"
	}
	return s.Backend
}

// block is what is within the storage's braces.
func (s Storage) block() string {
	text := fmt.Sprintf("backend = %q\n", s.name())
	if s.DSN != "" {
		text += fmt.Sprintf("dsn = %q\n", s.DSN)
	}
	return text
}

// MaxMessages is how many messages of a conversation the model is shown: that of
// the sample tenants.
const MaxMessages = 10

// text is the host file. Turns of one tenant are not capped below what the
// generator sends at once.
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
