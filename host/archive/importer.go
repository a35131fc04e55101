package archive

import (
	"context"
	"errors"
	"io"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// importer is one run of an import. It is used by one goroutine.
type importer struct {
	a     *Archive
	ctx   context.Context
	id    string
	o     ImportOptions
	lines lineReader

	// The storage that is written to; see import_target.go.
	store       *OpenedStorage // nil until the first conversation
	block       config.SealedBlock
	incarnation string

	// The place in the export.
	head         *exportLine         // nil until the first line
	settings     *receivedTenantLine // nil if there is none
	conversation *conversationLine   // nil between conversations
	last         int64               // sequence of the conversation's last turn
	past         history             // the turns of the conversation so far
	read         endLine             // counts of the lines so far

	// Turns that are read and not yet stored; see import_batch.go.
	batch      []storage.Turn
	batchBytes int

	done Imported
}

// run reads the export line by line, up to the end of the input.
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
			// The turns before the cut are stored, so that a repetition has less to do.
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

// misplaced is the error of a line whose type is wrong at its place.
func misplaced(expected string) error {
	return fault.New(fault.Invalid, "is out of place; expected %s", expected)
}

// handle checks that the line may come here, and acts on it. size is the line's length in
// bytes. ended reports whether it was the end of the export.
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

// endConversation stores what is left of the current conversation, if there is one.
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
	// An export without conversations is refused too if the tenant does not exist.
	if err := i.openTarget(); err != nil {
		return notOfALine{err}
	}
	return nil
}
