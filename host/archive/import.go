package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// batchTurns and batchBytes bound what is given to a storage at once.
	batchTurns = 200
	batchBytes = 4 << 20
)

// Imported counts what an import did.
type Imported struct {
	Conversations int64 // that were read
	Turns         int64 // that were added
	Present       int64 // that were there already
	Interrupted   int64 // of those read, that were running when they were exported
	LeftOut       int64 // conversations that a later one of the same id hides, or of which turns are missing
	Registered    bool  // with the configuration of the export
}

func (i Imported) String() string {
	return fmt.Sprintf("%d turns of %d conversations are imported, %d were there already", i.Turns, i.Conversations, i.Present)
}

// Import reads an export and gives its conversations to the tenant's storage. What is
// there already stays as it is, so that an import can be repeated; the error of one
// that stopped says what it did so far. With register, a tenant that is not there is
// registered with the configuration of the export, if nothing was left out of that.
//
// fault.Invalid for what is no whole export of this version, fault.NotFound for a
// tenant that is not there, fault.Conflict where another turn is in the place of one.
func (a *Archive) Import(ctx context.Context, id string, register bool, in io.Reader) (Imported, error) {
	i := &importing{
		a: a, ctx: ctx, id: id, register: register,
		lines: reading{in: bufio.NewReaderSize(in, 64<<10)},
	}
	i.lines.large = func() (func(), error) { return a.largeLine(ctx) }
	defer i.lines.free()
	defer i.close()
	err := i.run()
	if err == nil {
		return i.done, nil
	}
	f := *fault.Of(err)
	var problems config.Problems
	switch {
	case errors.Is(err, errCutOff):
		f = *fault.New(fault.Invalid, "%w", errCutOff)
	case errors.As(err, &problems):
		f = *fault.New(fault.Invalid, "%w", problems)
	}
	if i.lines.number > 0 && !errors.As(err, new(notOfALine)) {
		f.Message = fmt.Sprintf("line %d: %s", i.lines.number, f.Error())
		f.Path = ""
	}
	if i.store != nil {
		f.Message += fmt.Sprintf("; %s, and to repeat the import is safe", i.done)
	}
	f.Err = err
	return i.done, &f
}

// notOfALine is an error that no line of the export is the reason of.
type notOfALine struct{ error }

// Unwrap is for package errors.
func (e notOfALine) Unwrap() error { return e.error }

// importing is one import at work.
type importing struct {
	a        *Archive
	ctx      context.Context
	id       string
	register bool
	lines    reading

	head     *headLine
	settings *tenantDocument
	store    *Store // nil until the first conversation
	block    config.SealedBlock
	life     string

	open  *conversationLine // nil between conversations
	last  int64             // sequence of its last turn
	past  history           // of its turns
	batch []storage.Turn
	bytes int
	seen  endLine
	done  Imported
}

func (i *importing) close() {
	if i.store != nil {
		i.store.Close()
	}
}

func (i *importing) run() error {
	for ended := false; ; {
		if err := i.ctx.Err(); err != nil {
			return fault.Of(context.Cause(i.ctx))
		}
		text, err := i.lines.next()
		switch {
		case errors.Is(err, io.EOF) && ended:
			return nil
		case errors.Is(err, io.EOF):
			// What came before is kept: it need not be sent again in vain.
			return errors.Join(errCutOff, i.flush())
		case err != nil:
			return err
		case ended:
			return fault.New(fault.Invalid, "follows the end of the export")
		}
		line, err := decode(text)
		if err == nil {
			ended, err = i.take(line, len(text))
		}
		if err != nil {
			return err
		}
	}
}

// take takes a line in its turn.
func (i *importing) take(line any, size int) (ended bool, err error) {
	misplaced := func(expected string) error {
		return fault.New(fault.Invalid, "is out of place; expected %s", expected)
	}
	if head, ok := line.(*headLine); ok != (i.head == nil) {
		return false, misplaced("one line of the type export, as the first")
	} else if ok {
		i.head = head
		return false, nil
	}
	switch l := line.(type) {
	case *tenantDocument:
		if i.settings != nil || i.seen.Conversations > 0 {
			return false, misplaced("the tenant's configuration once, before all conversations")
		}
		i.settings = l
		return false, nil
	case *conversationLine:
		if err := i.leave(); err != nil {
			return false, err
		}
		if err := i.enter(); err != nil {
			return false, notOfALine{err}
		}
		i.seen.Conversations++
		i.open, i.last, i.past = l, 0, history{partial: l.Partial}
		return false, l.check()
	case *turnLine:
		switch {
		case i.open == nil:
			return false, misplaced("a conversation before its turns")
		case l.Sequence != i.last+1 && !(i.open.Partial && l.Sequence > i.last):
			return false, fault.New(fault.Invalid, "has the turn %d where %d belongs", l.Sequence, i.last+1)
		}
		if err := l.check(&i.past, i.a.o.timing.now()); err != nil {
			return false, err
		}
		i.last = l.Sequence
		i.seen.Turns++
		return false, i.add(l, size)
	case *endLine:
		if err := i.leave(); err != nil {
			return false, err
		}
		if l.Conversations != i.seen.Conversations || l.Turns != i.seen.Turns {
			return false, fault.New(fault.Invalid, "says that there are %d conversations and %d turns, and %d and %d were read: lines are missing",
				l.Conversations, l.Turns, i.seen.Conversations, i.seen.Turns)
		}
		if err := i.enter(); err != nil { // an empty export needs a tenant too
			return false, notOfALine{err}
		}
		return true, nil
	}
	return false, misplaced("another line")
}

// leave ends the conversation that is open.
func (i *importing) leave() error {
	if i.open == nil {
		return nil
	}
	if i.last == 0 {
		return fault.New(fault.Invalid, "follows the conversation %q, which has no turn", i.open.ID)
	}
	if err := i.flush(); err != nil {
		return err
	}
	if i.open.leftOut() {
		i.done.LeftOut++
	} else {
		i.done.Conversations++
	}
	i.open = nil
	return nil
}

// add puts a turn to the batch.
func (i *importing) add(l *turnLine, size int) error {
	if i.open.leftOut() {
		return nil
	}
	t := l.turn()
	if t.State == storage.Running {
		t.State, t.Number = storage.Interrupted, 0
		t.Reason = fault.Canceled.String() + ": the turn was running when it was exported"
		if t.EndedAt = i.head.CreatedAt; t.EndedAt.Before(t.StartedAt) {
			t.EndedAt = t.StartedAt
		}
		i.done.Interrupted++
	}
	if len(i.batch) > 0 && (len(i.batch) >= batchTurns || i.bytes+size > batchBytes) {
		if err := i.flush(); err != nil {
			return err
		}
	}
	i.batch = append(i.batch, t)
	i.bytes += size
	return nil
}

// flush gives the batch to the storage.
func (i *importing) flush() error {
	if len(i.batch) == 0 {
		return nil
	}
	req := &storage.ImportRequest{
		Call:  sdk.Call{Tenant: i.id, Incarnation: i.life, Conversation: i.open.ID, User: i.open.User},
		Turns: i.batch,
	}
	var added int64
	err := i.a.retry(i.ctx, func() (err error) {
		added, err = i.store.Importer.Import(i.ctx, req)
		return err
	})
	if err != nil {
		f := *fault.Of(err)
		f.Message = fmt.Sprintf("conversation %q, turns %d to %d: %s", i.open.ID, i.batch[0].Sequence, i.batch[len(i.batch)-1].Sequence, f.Message)
		f.Err = err
		return named(i.block, &f)
	}
	i.done.Turns += added
	i.done.Present += int64(len(i.batch)) - added
	i.batch, i.bytes = i.batch[:0], 0
	return nil
}

// enter finds the tenant's storage, before the first conversation.
func (i *importing) enter() error {
	if i.store != nil {
		return nil
	}
	life, block, err := i.a.o.Registry.Settle(i.ctx, i.id)
	if fault.Is(err, fault.NotFound) {
		taken := i.registered(err)
		if taken != nil && !fault.Is(taken, fault.Conflict) {
			return taken
		}
		// If it was not free somebody may have registered it meanwhile.
		if life, block, err = i.a.o.Registry.Settle(i.ctx, i.id); taken != nil && fault.Is(err, fault.NotFound) {
			return taken
		}
	}
	if err != nil {
		return err
	}
	store, err := i.a.open(i.ctx, i.id, block)
	if err != nil {
		return err
	}
	if store.Importer == nil {
		store.Close()
		return named(block, fault.New(fault.Invalid, "it takes no turns that ended elsewhere"))
	}
	i.store, i.block, i.life = store, block, life
	return nil
}

// registered registers the tenant, if that was asked for and can be; missing is why it
// is not there.
func (i *importing) registered(missing error) error {
	switch {
	case !i.register:
		f := *fault.Of(missing)
		f.Message += ": register it first, or have it registered with the configuration of the export"
		return &f
	case i.settings == nil:
		return fault.New(fault.Invalid, "the tenant cannot be registered with this export, which is one user's and has no configuration")
	case len(i.settings.LeftOut)+len(i.settings.OwnLeftOut) > 0:
		return fault.New(fault.Invalid, "the tenant cannot be registered with this export, which its secrets are left out of: register it with them first (%s)",
			strings.Join(append(slices.Clone(i.settings.LeftOut), i.settings.OwnLeftOut...), ", "))
	}
	doc, err := config.ParseStored("tenant "+i.id, i.settings.Config)
	if err != nil {
		return err
	}
	t, _, err := i.a.o.Registry.Put(i.ctx, i.id, doc, registry.PutOptions{IfNone: true, Note: "registered by an import"})
	i.done.Registered = t.Created
	if err != nil || i.settings.Own == nil {
		return err
	}
	// They have to be what the operator of this host lets a tenant set.
	own, err := config.ParseStored(ledger.OwnName, i.settings.Own)
	if err == nil {
		_, _, err = i.a.o.Registry.Put(i.ctx, i.id, own, registry.PutOptions{Author: ledger.Tenant, IfNone: true, Note: "registered by an import"})
	}
	if err != nil {
		return fault.New(fault.Invalid, "the tenant is registered with the operator's configuration of the export, but its own settings are refused here; the import can be repeated without them: %w", err)
	}
	return nil
}
