package archive

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
)

// newLongLines returns the pool that bounds how many lines above bounds.ImportLine bytes all
// imports hold in memory at once. The pool has a place to wait for each import that may run.
func newLongLines() *fairshare.Pool {
	return fairshare.NewPool("long lines of imports", func() fairshare.Bounds {
		return fairshare.Bounds{
			Each: bounds.ImportLongLines, All: bounds.ImportLongLines,
			WaitingEach: int(bounds.ImportSlots.All), WaitingAll: int(bounds.ImportSlots.All), Wait: bounds.ImportLineWait,
		}
	})
}

// reserveLongLine waits until the import may hold one more long line in memory. The caller
// calls release when it has dropped the line.
func (a *Archive) reserveLongLine(ctx context.Context) (release func(), err error) {
	share, err := a.longLines.Acquire(ctx, "", 1)
	if err != nil {
		return nil, notOfALine{err}
	}
	return share.Release, nil
}
