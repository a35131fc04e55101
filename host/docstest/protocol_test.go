package docstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
)

// TestProtocolConstants_areThoseOfTheSDK checks the constants in docs/protocol.md that an author
// of a plugin in another language copies.
func TestProtocolConstants_areThoseOfTheSDK(t *testing.T) {
	p := pageOf(t, "docs/protocol.md")
	for _, want := range []string{
		sdk.Handshake.MagicCookieKey, sdk.Handshake.MagicCookieValue, sdk.SecretMetadata, fmt.Sprintf("%d bytes", sdk.MaxSecretBytes),
		fmt.Sprintf("%d MiB", sdk.MaxMessageBytes>>20),
	} {
		if !strings.Contains(p.text, want) {
			t.Errorf("docs/protocol.md: does not have %s", want)
		}
	}
}
