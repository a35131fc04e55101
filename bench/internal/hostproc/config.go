package hostproc

import (
	"fmt"
	"strings"
)

// Settings are the settings of a host under test that differ from the defaults.
type Settings struct {
	Tokens    int // of each reply
	CacheSize int // bots; 0 is the default
	// NoMetrics turns the host's metrics off.
	NoMetrics bool
	// Env are the names of environment variables that plugins get.
	Env     []string
	Storage Storage
	// DataDir is the host's data folder, which the caller removes. If it is empty, the host gets a
	// folder that Stop removes. Hosts that are started one after another on one registry share it.
	DataDir string
}

// Storage is where conversations are kept.
type Storage struct {
	Backend string // empty is memory
	DSN     string // of postgres
	// Registry keeps the tenants there too. If false, they are in the host's memory only.
	Registry bool
}

func (s Storage) name() string {
	if s.Backend == "" {
		return "memory"
	}
	return s.Backend
}

// block returns the body of the storage's block in HCL.
func (s Storage) block() string {
	text := fmt.Sprintf("backend = %q\n", s.name())
	if s.DSN != "" {
		text += fmt.Sprintf("dsn = %q\n", s.DSN)
	}
	return text
}

// MaxMessages is how many messages of a conversation the model is shown, as for the sample tenants.
const MaxMessages = 10

// hcl returns the host file. Its limits allow one tenant as many turns at once as the load sends.
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
