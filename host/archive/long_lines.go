package archive

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
)

// newLongLines returns the pool of long lines: how many lines above bounds.ImportLine all
// imports together hold in memory at once. Each import that may run has a place to wait.
func newLongLines() *fairshare.Pool {
	return fairshare.NewPool("long lines of imports", func() fairshare.Bounds {
		return fairshare.Bounds{
			Each: bounds.ImportLongLines, All: bounds.ImportLongLines,
			WaitingEach: int(bounds.ImportSlots.All), WaitingAll: int(bounds.ImportSlots.All), Wait: bounds.ImportLineWait,
		}
	})
}

// reserveLongLine waits until one more long line may be held. The caller calls release
// when it has dropped the line.
func (a *Archive) reserveLongLine(ctx context.Context) (release func(), err error) {
	share, err := a.longLines.Acquire(ctx, "", 1)
	if err != nil {
		return nil, notOfALine{err}
	}
	return share.Release, nil
}
