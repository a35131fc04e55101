package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Receipt says what a purge deleted. The registry keeps it: beside the registration while
// the purge is under way, and in its place afterwards.
type Receipt struct {
	Tenant        string     `json:"tenant"`
	Incarnation   string     `json:"incarnation"` // the last one; empty if the tenant had no named incarnations
	BegunAt       time.Time  `json:"begun_at"`
	DoneAt        *time.Time `json:"done_at"` // null while the purge is not done
	Conversations int64      `json:"conversations"`
	Turns         int64      `json:"turns"`
	Storages      Counts     `json:"storages"`
	// Versions counts the versions of the registration that were deleted.
	Versions int64 `json:"versions"`
}

func (r *Receipt) json() json.RawMessage {
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // unreachable: texts, numbers and times
	}
	return out
}

// parseReceipt decodes a receipt that the registry kept. Earlier builds wrote "life" for
// "incarnation".
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

// saveReceipt stores the receipt of a purge that is not done in the registry, so that the
// counts go on when the purge is repeated. It works even if ctx has ended. A failure is only
// logged, because it does no more harm than counts that are too low.
func (a *Archive) saveReceipt(ctx context.Context, r *Receipt) {
	r.Conversations, r.Turns = r.Storages.Total()
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := a.o.Registry.KeepReceipt(ctx, r.Tenant, r.json()); err != nil {
		a.o.Log.Warn("what a purge deleted so far could not be kept", "tenant", r.Tenant, "error", err)
	}
}

// detachedTimeout bounds what is still done after the caller's context has ended.
const detachedTimeout = 10 * time.Second

// detached returns a context that outlives ctx, for a last write about work that was
// interrupted.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), detachedTimeout)
}
