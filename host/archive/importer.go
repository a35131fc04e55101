package archive

import (
	"context"
	"errors"
	"io"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// importer is the state of one import. One goroutine uses it.
type importer struct {
	a     *Archive
	ctx   context.Context
	id    string
	o     ImportOptions
	lines lineReader

	// store, block and incarnation say where the import writes to. openTarget sets them.
	store       *OpenedStorage // nil before the first conversation
	block       config.SealedBlock
	incarnation string

	// head, settings, conversation, last, past and read hold the position in the export.
	head         *exportLine         // nil before the first line
	settings     *receivedTenantLine // the line with the tenant's configuration; nil before that line
	conversation *conversationLine   // the current conversation; nil between conversations
	last         int64               // the sequence of the last turn of the current conversation
	past         history             // facts about the turns of the current conversation so far
	read         endLine             // the counts of the lines so far

	// batch holds turns that are read and not yet stored. addTurn fills it; flush stores it.
	batch      []storage.Turn
	batchBytes int

	done Imported
}

// run reads the export line by line to the end of the input.
func (i *importer) run() error {
	for ended := false; ; {
		if err := i.ctx.Err(); err != nil {
			return fault.Of(context.Cause(i.ctx))
		}
		text, err := i.lines.next()
		switch {
		case errors.Is(err, io.EOF) && ended:
			return nil
		case errors.Is(err, io.EOF):
			// The turns that were read are stored, so that a repeated import has less to do.
			return errors.Join(errCutOff, i.flush())
		case err != nil:
			return err
		case ended:
			return fault.New(fault.Invalid, "follows the end of the export")
		}
		line, err := decodeLine(text)
		if err == nil {
			ended, err = i.handle(line, len(text))
		}
		if err != nil {
			return err
		}
	}
}

// misplaced returns the error of a line that may not stand at its place in the export.
func misplaced(expected string) error {
	return fault.New(fault.Invalid, "is out of place; expected %s", expected)
}

// handle checks that the line may stand at its place in the export, and processes it. size is
// the line's length in bytes. ended reports whether the line is the last line of the export.
func (i *importer) handle(line any, size int) (ended bool, err error) {
	if head, ok := line.(*exportLine); ok != (i.head == nil) {
		return false, misplaced("one line of the type export, as the first")
	} else if ok {
		i.head = head
		return false, nil
	}
	switch l := line.(type) {
	case *receivedTenantLine:
		if i.settings != nil || i.read.Conversations > 0 {
			return false, misplaced("the tenant's configuration once, before all conversations")
		}
		i.settings = l
		return false, nil
	case *conversationLine:
		return false, i.beginConversation(l)
	case *turnLine:
		return false, i.handleTurn(l, size)
	case *endLine:
		return true, i.handleEnd(l)
	}
	return false, misplaced("another line")
}

func (i *importer) beginConversation(l *conversationLine) error {
	if err := i.endConversation(); err != nil {
		return err
	}
	if err := i.openTarget(); err != nil {
		return notOfALine{err}
	}
	i.read.Conversations++
	i.conversation, i.last, i.past = l, 0, history{partial: l.Partial}
	return l.validate()
}

func (i *importer) handleTurn(l *turnLine, size int) error {
	switch {
	case i.conversation == nil:
		return misplaced("a conversation before its turns")
	case l.Sequence != i.last+1 && !(i.conversation.Partial && l.Sequence > i.last):
		return fault.New(fault.Invalid, "has the turn %d where %d belongs", l.Sequence, i.last+1)
	}
	if err := l.validate(&i.past, i.a.o.timing.now()); err != nil {
		return err
	}
	i.last = l.Sequence
	i.read.Turns++
	return i.addTurn(l, size)
}

// endConversation stores the rest of the current conversation. Between conversations it does
// nothing.
func (i *importer) endConversation() error {
	if i.conversation == nil {
		return nil
	}
	if i.last == 0 {
		return fault.New(fault.Invalid, "follows the conversation %q, which has no turn", i.conversation.ID)
	}
	if err := i.flush(); err != nil {
		return err
	}
	if i.conversation.skipped() {
		i.done.LeftOut++
	} else {
		i.done.Conversations++
	}
	i.conversation = nil
	return nil
}

func (i *importer) handleEnd(l *endLine) error {
	if err := i.endConversation(); err != nil {
		return err
	}
	if l.Conversations != i.read.Conversations || l.Turns != i.read.Turns {
		return fault.New(fault.Invalid, "says that there are %d conversations and %d turns, and %d and %d were read: lines are missing",
			l.Conversations, l.Turns, i.read.Conversations, i.read.Turns)
	}
	// openTarget is called here for an export without conversations, so that an import for a
	// tenant that does not exist fails for each export.
	if err := i.openTarget(); err != nil {
		return notOfALine{err}
	}
	return nil
}
