package yard

import (
	"fmt"
	"strings"
)

// Settings are what a host under test is configured with beside the defaults.
type Settings struct {
	Tokens    int // of each reply
	CacheSize int // bots; 0 is the default
	// Env are variables that plugins get.
	Env []string
}

// MaxMessages is how many messages of a conversation the model is shown: that of
// the sample tenants.
const MaxMessages = 10

// text is the host file. Turns of one tenant are not capped below what the
// generator sends at once.
func (s Settings) text(pluginDir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin_dirs = [%q]\nlimits { concurrent_turns = 1024 }\n", pluginDir)
	if s.CacheSize > 0 {
		fmt.Fprintf(&b, "registry {\n  max_cache_size = %d\n  cache_ttl = 3600\n}\n", s.CacheSize)
	}
	if len(s.Env) > 0 {
		for _, p := range []string{`"llm" "echo"`, `"memory" "buffer"`, `"storage" "memory"`} {
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
  conversation_storage { backend = "memory" }
  prompts { system = "You are a support assistant." }
}
`, s.Tokens, MaxMessages)
	return b.String()
}
