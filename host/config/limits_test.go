package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
)

// TestLimits_thatCanBeCarried checks that no layer can allow a message or a reply that is larger
// than the protocol can carry in a turn, and that the error names the maximum size.
func TestLimits_thatCanBeCarried(t *testing.T) {
	for key, most := range map[string]int{"message_bytes": sdk.MaxUserMessageBytes, "reply_bytes": sdk.MaxReplyBytes} {
		for _, value := range []int{most, most + 1, 104857600} {
			text := fmt.Sprintf("limits: {%s: %d}", key, value)
			secretProblem := fmt.Sprintf("limits.%s: is %d; expected at most %d", key, value, most)
			sources := map[string]func() error{
				"host file": func() error {
					_, err := LoadHost(LoadOptions{Document: yamlDoc(t, text)})
					return err
				},
				"environment": func() error {
					_, err := LoadHost(LoadOptions{Environ: []string{fmt.Sprintf("BOTYARD__LIMITS__%s=%d", strings.ToUpper(key), value)}})
					return err
				},
				"tenant": func() error {
					h := loadHost(t, fmt.Sprintf(`{limits: {%s: %d}, defaults: {llm: {provider: echo}}}`, key, most))
					_, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, text)}, testSchemas(t))
					return err
				},
			}
			for layer, load := range sources {
				t.Run(fmt.Sprintf("%s of %d in the %s", key, value, layer), func(t *testing.T) {
					err := load()
					if fits := value == most; fits && err != nil || !fits && (err == nil || !strings.Contains(err.Error(), secretProblem)) {
						t.Errorf("%s of %d in the %s: %v; want %q unless it is %d", key, value, layer, err, secretProblem, most)
					}
				})
			}
		}
	}
	// A tenant inherits the host's limit, and may lower but not raise it.
	h := loadHost(t, `{limits: {reply_bytes: 1000}, defaults: {llm: {provider: echo}}}`)
	if e := tenant(t, h, `{}`); e.Limits.ReplyBytes != 1000 {
		t.Errorf("a tenant has %d", e.Limits.ReplyBytes)
	}
	if _, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, `limits: {reply_bytes: 1001}`)}, testSchemas(t)); err == nil {
		t.Error("a tenant has more than its host")
	}
}
