package bot

import (
	"runtime"
	"testing"

	"github.com/botyard/botyard/sdk"
)

// TestReplyBuilder_isNotCopiedAsItGrows checks that the allocated bytes grow in proportion to
// the number of pieces.
func TestReplyBuilder_isNotCopiedAsItGrows(t *testing.T) {
	for name, next := range kindsOfPieces {
		t.Run(name, func(t *testing.T) {
			allocated := func(n int) uint64 {
				b := newTestBot(&logStorage{}, &pieces{n: n, next: next}, func(p *Parts) { p.HeldBytes, p.Limits.ReplyBytes = NewHeldBytes(), sdk.MaxReplyBytes })
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, func(string) error { return nil }); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			n := 10_000
			if name == "much text" {
				n = 100
			}
			one, four := allocated(n), allocated(4*n)
			if four > 8*one { // 16 times as many bytes if each piece copied all earlier pieces
				t.Errorf("%d bytes for %d pieces, %d for four times as many", one, n, four)
			}
		})
	}
}
