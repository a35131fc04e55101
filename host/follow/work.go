package follow

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// work calls the memory's Work until there is no more to do, or for a part of the lease. more reports
// that there is more to do now. work does nothing if the memory is not a memory.Worker, or if another
// host works for the tenant.
func (s *step) work(ctx context.Context) (more bool, err error) {
	w, ok := s.Memory.(memory.Worker)
	if !ok {
		return false, nil
	}
	begun := time.Now()
	res, err := s.Cursors.Claim(ctx, &storage.ClaimRequest{Call: s.Call, StoreKey: s.StoreKey, Holder: s.holder, Lease: s.lease,
		Limit: 1, Kind: storage.ClaimWork})
	if err != nil || len(res.Claimed) == 0 {
		return false, err
	}
	cursor := res.Claimed[0].Data
	for more = true; more; {
		next, again, err := w.Work(ctx, s.Call, cursor)
		if err != nil {
			// The cursor is given back as it was.
			s.advanceWork(context.WithoutCancel(ctx), cursor, 0)
			return false, err
		}
		ends := !again || ctx.Err() != nil || time.Since(begun) > s.lease/3
		lease := s.lease
		if ends {
			lease = 0
		}
		err = s.advanceWork(context.WithoutCancel(ctx), next, lease)
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			return false, nil // another host works for the tenant now, or the tenant was deleted
		}
		if err != nil || ends {
			return again, err
		}
		cursor, more = next, again
	}
	return false, nil
}

// advanceWork stores the cursor of the work and renews the claim for the lease. A lease of 0 ends the
// claim.
func (s *step) advanceWork(ctx context.Context, cursor []byte, lease time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, s.lease/10)
	defer cancel()
	return s.Cursors.Advance(ctx, &storage.AdvanceRequest{Call: s.Call, StoreKey: s.StoreKey, Holder: s.holder, Data: cursor, Lease: lease})
}
