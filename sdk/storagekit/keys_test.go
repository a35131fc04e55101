package storagekit

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
)

// TestMaxKeyBytes checks that the longest key is shorter than MaxKeyBytes. Its ids have only bytes that
// take two bytes in a key.
func TestMaxKeyBytes(t *testing.T) {
	id := strings.Repeat("\x00", sdk.MaxIDBytes)
	long := forgetKey(sdk.Call{Incarnation: id[:64], Conversation: id}, id[:sdk.MaxStoreKeyBytes], id[:20], id)
	if len(long) >= MaxKeyBytes {
		t.Errorf("a key has %d bytes; want less than %d", len(long), MaxKeyBytes)
	}
	if text, rest := cutText(long[1:]); text != id[:64] || len(rest) == 0 {
		t.Errorf("the first text of the key is %q", text)
	}
}
