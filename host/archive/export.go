package archive

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// listPage is how many conversations are listed at once.
	listPage = 200
	// firstTurns and mostTurns bound how many turns are read at once. How many it is
	// in between their size says, which can be anything: pageBytes is what is aimed at.
	firstTurns = 8
	mostTurns  = 200
	pageBytes  = 2 << 20
)

// Export is one that can be written. Close it.
type Export struct {
	a      *Archive
	estate *registry.Estate
	user   string
	stores []*Store // of the estate's storages
	turns  int      // to read at once

	out   io.Writer
	ended endLine
}

// Wanted says what an export has.
type Wanted struct {
	// User is whose part is wanted: conversations that are the user's and that no other user
	// wrote in, and of others the user's turns. Empty for all, with the configuration.
	User    string
	Current bool // leave out the storages that the tenant used before
}

// Export opens the tenant's storages for an export. fault.NotFound for a tenant that there is not, or not any
// more; the error of a storage that cannot be opened.
func (a *Archive) Export(ctx context.Context, id string, w Wanted) (*Export, error) {
	s, err := a.o.Registry.Estate(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.State == storage.TenantPurged {
		return nil, fault.New(fault.NotFound, "tenant %q was purged: nothing is left of it", id)
	}
	e := &Export{a: a, estate: s, user: w.User, turns: firstTurns, ended: endLine{Type: TypeEnd}}
	storages := s.Life.Storages
	if w.Current {
		storages = storages[:min(1, len(storages))]
	}
	for _, b := range storages {
		store, err := a.open(ctx, id, b)
		if err != nil {
			e.Close()
			return nil, err
		}
		e.stores = append(e.stores, store)
		if err := store.tells(w.User); err != nil {
			e.Close()
			return nil, named(b, err)
		}
	}
	return e, nil
}

// open opens a storage and says which one cannot be.
func (a *Archive) open(ctx context.Context, id string, b config.SealedBlock) (store *Store, err error) {
	err = a.retry(ctx, func() (err error) {
		store, err = a.o.Open(ctx, id, b)
		return err
	})
	if err != nil {
		return nil, named(b, err)
	}
	return store, nil
}

// named says which storage an error is of.
func named(b config.SealedBlock, err error) error {
	f := *fault.Of(err)
	f.Message = fmt.Sprintf("storage %s: %s", b.Label(), f.Message)
	f.Err = err
	return &f
}

// Close gives the storages back.
func (e *Export) Close() {
	for _, s := range e.stores {
		s.Close()
	}
}

// Write writes the export, line by line, and no faster than out takes it. Without an
// error it is whole. It is no snapshot: each conversation is as it was when it was
// read.
func (e *Export) Write(ctx context.Context, out io.Writer) error {
	e.out = out
	err := e.line(&headLine{Type: TypeExport, Version: Version, Tenant: e.estate.Tenant, User: e.user, CreatedAt: e.a.o.timing.now().UTC()})
	if err == nil && e.user == "" {
		err = e.line(settings(e.estate))
	}
	for i := 0; i < len(e.stores) && err == nil; i++ {
		if err = e.store(ctx, i); err != nil {
			err = named(e.estate.Life.Storages[i], err)
		}
	}
	if err != nil {
		return err
	}
	return e.line(&e.ended)
}

// line writes one.
func (e *Export) line(v any) error {
	b, err := encodeLine(v)
	if err != nil {
		return err
	}
	_, err = e.out.Write(b)
	return err
}

func encodeLine(v any) ([]byte, error) {
	b, err := jsonstream.Encode(v)
	return append(b, '\n'), err
}

// turn writes a turn, its long texts piece by piece. One of an earlier version that no
// import could take is written with the beginnings of its messages, which say so.
func (e *Export) turn(t *storage.Turn) error {
	if t.Size() > MaxTurn || t.Size() > MaxLine/escaped && lineSize(t) > MaxLine {
		t = shortened(t)
	}
	return writeTurn(e.out, t)
}

// escaped is how many bytes JSON makes of one at most.
const escaped = 7 // a byte in a text of one: 6 and a part of what is around it

func writeTurn(w io.Writer, t *storage.Turn) error {
	l := newTurnLine(t)
	var long jsonstream.Shelf
	for i := range l.Messages {
		l.Messages[i].Parts = long.ShelveParts(l.Messages[i].Parts)
	}
	if err := long.Write(w, l); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// lineSize is how long the line of the turn is.
func lineSize(t *storage.Turn) int {
	var n counted
	if writeTurn(&n, t) != nil {
		return MaxLine + 1
	}
	return int(n)
}

// counted counts what is written.
type counted int

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	*c += counted(len(b))
	return len(b), nil
}

func (e *Export) call(conversation, user string) sdk.Call {
	return sdk.Call{Tenant: e.estate.Tenant, Incarnation: e.estate.Life.Incarnation, Conversation: conversation, User: user}
}

// store writes the conversations of one storage.
func (e *Export) store(ctx context.Context, at int) error {
	for after, more := "", true; more; {
		var page *storage.ConversationPage
		err := e.a.retry(ctx, func() (err error) {
			page, err = e.stores[at].List(ctx, &storage.ListRequest{Call: e.call("", e.user), After: after, Limit: listPage, Wrote: e.user != ""})
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range page.Conversations {
			after = c.ID
			if err := e.conversation(ctx, at, c); err != nil {
				return err
			}
		}
		more = page.More && len(page.Conversations) > 0
	}
	return nil
}

// conversation writes one. One that is deleted meanwhile ends where it did.
func (e *Export) conversation(ctx context.Context, at int, c storage.Conversation) error {
	begun := false
	for after, more := int64(0), true; more; {
		page, err := e.read(ctx, at, c.ID, after)
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
		turns := e.part(c, page.Turns)
		if !begun && len(turns) > 0 {
			begun = true
			line := &conversationLine{Type: TypeConversation, ID: c.ID, User: c.User, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC()}
			if line.Partial = e.partial(c); line.Partial && c.User != e.user {
				line.User = "" // who else there is, is not this user's
			}
			if line.Hidden, err = e.hidden(ctx, at, c.ID); err != nil {
				return err
			}
			if err := e.line(line); err != nil {
				return err
			}
			e.ended.Conversations++
		}
		for i := range turns {
			if err := e.turn(&turns[i]); err != nil {
				return err
			}
			e.ended.Turns++
		}
		more = page.More && read > 0
	}
	return nil
}

// partial says whether only some of the conversation's turns are the user's.
func (e *Export) partial(c storage.Conversation) bool {
	return e.user != "" && (c.Shared || c.User != e.user)
}

// part are the turns that belong into the export: of one user those that an erasure of the
// user would take. What another user wrote since the conversation was listed is not among them.
func (e *Export) part(c storage.Conversation, turns []storage.Turn) []storage.Turn {
	if e.user == "" {
		return turns
	}
	partial := e.partial(c)
	return slices.DeleteFunc(turns, func(t storage.Turn) bool { return t.User != e.user && (partial || t.User != "") })
}

// read reads the next turns: a page ends by its bytes too.
func (e *Export) read(ctx context.Context, at int, conversation string, after int64) (page *storage.TurnPage, err error) {
	err = e.a.retry(ctx, func() (err error) {
		page, err = e.stores[at].Read(ctx, &storage.ReadRequest{Call: e.call(conversation, ""), After: after, Limit: e.turns, All: true})
		return err
	})
	if err == nil && len(page.Turns) > 0 {
		size := 1
		for i := range page.Turns {
			size += page.Turns[i].Size()
		}
		e.turns = min(max(1, pageBytes*len(page.Turns)/size), 2*e.turns, mostTurns)
	}
	return page, err
}

// hidden says whether a later storage has a conversation of that id too.
func (e *Export) hidden(ctx context.Context, at int, conversation string) (bool, error) {
	for _, later := range e.stores[:at] {
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
