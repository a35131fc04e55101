package storagetest

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func (r *reference) Import(_ context.Context, req *storage.ImportRequest) (int64, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := checkConversation(req.Call); err != nil {
		return 0, err
	}
	conflict := fault.New(fault.Conflict, "does not fit")
	if r.dead[r.tenant(req.Call)] && !r.has("import-revives") {
		return 0, conflict
	}
	c := r.conversations[r.address(req.Call)]
	if c == nil {
		c = r.create(req.Call, time.Time{})
	}
	if c.running() != nil && !r.has("import-while-running") {
		return 0, conflict
	}
	var fresh []*row
	number := c.succeeded()
	for i, t := range req.Turns {
		good := t.State == storage.Succeeded && t.Number > 0 || (t.State == storage.Failed || t.State == storage.Interrupted) && t.Number == 0
		if !good || t.Sequence < 1 || i > 0 && t.Sequence != req.Turns[i-1].Sequence+1 {
			return 0, fault.New(fault.Invalid, "contradicts itself")
		}
		if t.Sequence <= int64(len(c.rows)) {
			there := c.rows[t.Sequence-1]
			if there.Number != t.Number || there.State != t.State || r.has("import-once") && len(c.rows) > 5 {
				return 0, conflict
			}
			continue
		}
		if t.State == storage.Succeeded {
			number++
		}
		skips := t.Sequence != int64(len(c.rows)+len(fresh)+1) || t.State == storage.Succeeded && t.Number != number
		if skips && !r.has("import-gaps") {
			return 0, conflict
		}
		if r.has("import-drops-record") {
			t.Record = nil
		}
		if r.has("import-drops-retractions") {
			t.Retracted = false
		}
		fresh = append(fresh, &row{Turn: t, imported: true, overtaken: true, retractedTo: number})
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if c.user != req.Call.User && !r.has("import-to-anybody") {
		return 0, conflict
	}
	if c.rows == nil {
		if c.created = fresh[0].StartedAt; r.has("import-is-new") {
			c.created = time.Now()
		}
	}
	c.rows = append(c.rows, fresh...)
	if end := fresh[len(fresh)-1].EndedAt; end.After(c.updated) {
		c.updated = end
	}
	r.conversations[c.address] = c
	return int64(len(fresh)), nil
}

func (r *reference) Migrate(context.Context, storage.MigrateOptions) (*storage.Migration, error) {
	r.enter()
	defer r.mu.Unlock()
	m := &storage.Migration{SchemaVersion: 1, OldestVersion: 1}
	if !r.migrated || r.has("migrates-again") {
		m.Steps = []string{"make the tables"}
	}
	r.migrated = true
	return m, nil
}
