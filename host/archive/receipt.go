package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Receipt says what a purge deleted. While the purge runs, the registry stores the receipt
// beside the registration. Afterwards the receipt replaces the registration.
type Receipt struct {
	Tenant string `json:"tenant"`
	// the tenant's last incarnation; empty if it had no named one
	Incarnation   string     `json:"incarnation"`
	BegunAt       time.Time  `json:"begun_at"`
	DoneAt        *time.Time `json:"done_at"` // null until the purge is complete
	Conversations int64      `json:"conversations"`
	Turns         int64      `json:"turns"`
	Storages      Counts     `json:"storages"`
	// Versions counts the versions of the registration that were deleted.
	Versions int64 `json:"versions"`
}

func (r *Receipt) json() json.RawMessage {
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // unreachable, because texts, numbers and times can always be encoded
	}
	return out
}

// parseReceipt decodes a receipt from the registry. Earlier versions of the host wrote "life"
// instead of "incarnation".
func parseReceipt(raw json.RawMessage) (*Receipt, error) {
	type earlier struct {
		Life string `json:"life"`
	}
	r := &Receipt{}
	old := struct {
		earlier
		Storages []earlier `json:"storages"`
	}{}
	err := json.Unmarshal(raw, r)
	if err == nil {
		err = json.Unmarshal(raw, &old)
	}
	if err != nil {
		return nil, fmt.Errorf("the receipt of a purge cannot be read: %w", err)
	}
	if r.Incarnation == "" {
		r.Incarnation = old.Life
	}
	for i, s := range old.Storages {
		if r.Storages[i].Incarnation == "" {
			r.Storages[i].Incarnation = s.Life
		}
	}
	return r, nil
}

// saveReceipt stores the receipt of an unfinished purge in the registry, so that a repeated
// purge adds to its counts. saveReceipt works even if ctx has ended. It only logs a failure,
// because a lost receipt only makes the counts too low.
func (a *Archive) saveReceipt(ctx context.Context, r *Receipt) {
	r.Conversations, r.Turns = r.Storages.Total()
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := a.o.Registry.KeepReceipt(ctx, r.Tenant, r.json()); err != nil {
		a.o.Log.Warn("what a purge deleted so far could not be kept", "tenant", r.Tenant, "error", err)
	}
}

// detachedTimeout bounds the work after the end of the caller's context.
const detachedTimeout = 10 * time.Second

// detached returns a context that goes on after the end of ctx, for a last write about
// interrupted work.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), detachedTimeout)
}
