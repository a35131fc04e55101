package sqlitestore

import (
	"crypto/rand"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
)

// fence names a running turn. It consists of the id of the conversation's row, the sequence of the
// turn, and a random token. The token is necessary because another turn can get the same sequence
// after an operator restores a backup.
type fence struct {
	conversation, sequence int64
	token                  string
}

func newToken() string { return rand.Text()[:13] }

func (f fence) String() string { return fmt.Sprintf("%d.%d.%s", f.conversation, f.sequence, f.token) }

func stale() error {
	return fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
}

func parseFence(text string) (f fence, err error) {
	if n, err := fmt.Sscanf(text, "%d.%d.%s", &f.conversation, &f.sequence, &f.token); err != nil || n != 3 {
		return f, stale()
	}
	return f, nil
}
