package archive

import (
	"context"
	"io"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// exportListPage is how many conversations one call lists.
	exportListPage = 200
	// One call of Read reads firstTurns to maxTurns turns. The size of the turns so far decides
	// how many turns the next call reads, so that a page has about pageBytes.
	firstTurns = 8
	maxTurns   = 200
	pageBytes  = 2 << 20
)

// Export is an export of one tenant. Write may be called once. The caller closes the Export. An
// Export is not safe for concurrent use.
type Export struct {
	a        *Archive
	tenant   *registry.Snapshot
	user     string
	storages []*OpenedStorage // the tenant's storages, the newest first
	turns    int              // how many turns the next call reads

	out    io.Writer
	counts endLine // the lines that were written so far
}

// ExportOptions choose the contents of an export.
type ExportOptions struct {
	// User limits the export to one user. The export then has the conversations that only this
	// user wrote in, and this user's turns of other conversations. An empty User means all
	// conversations and the tenant's configuration.
	User string
	// Current leaves out the storages that the tenant used before its present storage.
	Current bool
}

// Export opens the tenant's storages for an export. It returns fault.NotFound if the tenant
// does not exist or was purged. If a storage cannot be opened, Export returns the error of the
// storage.
func (a *Archive) Export(ctx context.Context, id string, o ExportOptions) (*Export, error) {
	s, err := a.o.Registry.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.State == storage.TenantPurged {
		return nil, fault.New(fault.NotFound, "tenant %q was purged: nothing is left of it", id)
	}
	e := &Export{a: a, tenant: s, user: o.User, turns: firstTurns, counts: endLine{Type: TypeEnd}}
	blocks := s.Incarnation.Storages
	if o.Current {
		blocks = blocks[:min(1, len(blocks))]
	}
	for _, b := range blocks {
		store, err := a.openStorage(ctx, id, b)
		if err != nil {
			e.Close()
			return nil, err
		}
		e.storages = append(e.storages, store)
		if err := store.requireOwners(o.User); err != nil {
			e.Close()
			return nil, labeled(b, err)
		}
	}
	return e, nil
}

// Close closes the storages. It is called once, after Write has returned.
func (e *Export) Close() {
	for _, s := range e.storages {
		s.Close()
	}
}

// Write writes the lines of the export. It reads a page of turns only after out has taken the
// page before. The export is complete if Write returns no error. The export is not a snapshot:
// each page has the turns as they were when Write read the page.
func (e *Export) Write(ctx context.Context, out io.Writer) error {
	e.out = out
	err := writeLine(out, &exportLine{Type: TypeExport, Version: Version, Tenant: e.tenant.Tenant, User: e.user, CreatedAt: e.a.o.timing.now().UTC()})
	if err == nil && e.user == "" {
		err = writeLine(out, newTenantLine(e.tenant))
	}
	for i := 0; i < len(e.storages) && err == nil; i++ {
		if err = e.writeStorage(ctx, i); err != nil {
			err = labeled(e.tenant.Incarnation.Storages[i], err)
		}
	}
	if err != nil {
		return err
	}
	return writeLine(out, &e.counts)
}

func (e *Export) call(conversation, user string) sdk.Call {
	return sdk.Call{Tenant: e.tenant.Tenant, Incarnation: e.tenant.Incarnation.ID, Conversation: conversation, User: user}
}

// writeStorage writes the conversations of e.storages[index].
func (e *Export) writeStorage(ctx context.Context, index int) error {
	for after, more := "", true; more; {
		var page *storage.ConversationPage
		err := e.a.retry(ctx, func() (err error) {
			page, err = e.storages[index].List(ctx, &storage.ListRequest{Call: e.call("", e.user), After: after, Limit: exportListPage, Wrote: e.user != ""})
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range page.Conversations {
			after = c.ID
			if err := e.writeConversation(ctx, index, c); err != nil {
				return err
			}
		}
		more = page.More && len(page.Conversations) > 0
	}
	return nil
}

// writeConversation writes a conversation and its turns. If the conversation is deleted during
// the export, the export has only the turns that were read before the deletion.
func (e *Export) writeConversation(ctx context.Context, index int, c storage.Conversation) error {
	started := false
	for after, more := int64(0), true; more; {
		page, err := e.readTurns(ctx, index, c.ID, after)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		read := len(page.Turns)
		if read > 0 {
			after = page.Turns[read-1].Sequence
		}
		turns := e.turnsOfUser(c, page.Turns)
		if !started && len(turns) > 0 {
			started = true
			if err := e.writeConversationLine(ctx, index, c); err != nil {
				return err
			}
		}
		for i := range turns {
			if err := writeTurn(e.out, &turns[i]); err != nil {
				return err
			}
			e.counts.Turns++
		}
		more = page.More && read > 0
	}
	return nil
}

func (e *Export) writeConversationLine(ctx context.Context, index int, c storage.Conversation) (err error) {
	line := &conversationLine{Type: TypeConversation, ID: c.ID, User: c.User, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC()}
	if line.Partial = e.isPartial(c); line.Partial && c.User != e.user {
		line.User = "" // an export of one user does not name other users
	}
	if line.Hidden, err = e.isHidden(ctx, index, c.ID); err != nil {
		return err
	}
	if err := writeLine(e.out, line); err != nil {
		return err
	}
	e.counts.Conversations++
	return nil
}

// readTurns reads the next page of turns, and then sets e.turns, the number of turns of the
// page after that, from the size of the turns it has read.
func (e *Export) readTurns(ctx context.Context, index int, conversation string, after int64) (page *storage.TurnPage, err error) {
	err = e.a.retry(ctx, func() (err error) {
		page, err = e.storages[index].Read(ctx, &storage.ReadRequest{Call: e.call(conversation, ""), After: after, Limit: e.turns, All: true})
		return err
	})
	if err == nil && len(page.Turns) > 0 {
		size := 1
		for i := range page.Turns {
			size += page.Turns[i].Size()
		}
		e.turns = min(max(1, pageBytes*len(page.Turns)/size), 2*e.turns, maxTurns)
	}
	return page, err
}

// isHidden reports whether a newer storage of the tenant has a conversation of the same id.
func (e *Export) isHidden(ctx context.Context, index int, conversation string) (bool, error) {
	for _, later := range e.storages[:index] {
		err := e.a.retry(ctx, func() error {
			_, err := later.Read(ctx, &storage.ReadRequest{Call: e.call(conversation, ""), Limit: 1, All: true})
			return err
		})
		if !fault.Is(err, fault.NotFound) {
			return err == nil, err
		}
	}
	return false, nil
}
