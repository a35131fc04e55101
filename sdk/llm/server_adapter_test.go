package llm

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk"
)

// TestPaced checks that a reply with more pieces or more bytes than the pace allows is taken no
// faster, and that a reply within the burst does not wait.
//
// beyond: pace of a reply
func TestPaced(t *testing.T) {
	const kib = 1 << 10
	for name, c := range map[string]struct {
		piece  Delta
		pieces int
		want   time.Duration // at least, and hardly more
	}{
		"a burst":         {Text("x"), sdk.MaxReplyPieceRate * 9 / 10, 0},
		"one large piece": {Text(strings.Repeat("x", sdk.MaxReplyByteRate/2)), 1, 0},
		"tiny pieces":     {Text("x"), 4 * sdk.MaxReplyPieceRate, 3 * time.Second},
		"empty pieces":    {Delta{}, 4 * sdk.MaxReplyPieceRate, 3 * time.Second},
		"large pieces":    {Reasoning(strings.Repeat("x", kib)), 4 * sdk.MaxReplyByteRate / kib, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taken := 0
				emit := paced(t.Context(), func(Delta) error { taken++; return nil })
				begun := time.Now()
				for range c.pieces {
					if err := emit(c.piece); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begun); taken != c.pieces || took < c.want*99/100 || took > c.want*3/2 {
					t.Errorf("%d pieces took %s; want %s", taken, took, c.want)
				}
			})
		})
	}
}

// BenchmarkPaced is what the pace adds to each piece of a reply that is as fast as the pace allows.
func BenchmarkPaced(b *testing.B) {
	d := Text("token")
	for b.Loop() {
		emit := paced(b.Context(), func(Delta) error { return nil })
		for range 1000 {
			_ = emit(d)
		}
	}
}
