package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// ImportOptions are the options of an import.
type ImportOptions struct {
	// Register makes the import register the tenant with the configuration in the export if the
	// tenant does not exist. The import refuses to do so if the export leaves out secrets of
	// the configuration.
	Register bool
}

// Imported has the counts of an import.
type Imported struct {
	Conversations int64 // conversations that were read, without those in LeftOut
	Turns         int64 // turns that were added to the storage
	Present       int64 // turns that were in the storage before
	Interrupted   int64 // turns that were running during the export; the import stores them as interrupted
	LeftOut       int64 // conversations that are marked hidden or partial, which an import skips
	Registered    bool  // the import registered the tenant with the configuration in the export
}

// String returns the counts as a phrase of an error message.
func (i Imported) String() string {
	return fmt.Sprintf("%d turns of %d conversations are imported, %d were there already", i.Turns, i.Conversations, i.Present)
}

// Deadliner is a reader whose reads can be given a deadline. After it they return
// os.ErrDeadlineExceeded. The zero time is no deadline.
type Deadliner interface{ SetDeadline(time.Time) }

// Import reads an export from in and adds its conversations to the tenant's storage. Turns that
// are already in the storage stay as they are, so the caller can repeat an import. The returned
// counts are valid also with an error, and the error's message has the counts too. If in is a
// Deadliner, Import bounds the time in which a long line must come.
//
// Import returns fault.Invalid if the input is not a complete export of this version,
// fault.NotFound if the tenant does not exist, and fault.Conflict if the storage has a
// different turn in the place of a turn of the export.
func (a *Archive) Import(ctx context.Context, id string, o ImportOptions, in io.Reader) (Imported, error) {
	i := &importer{
		a: a, ctx: ctx, id: id, o: o,
		lines: lineReader{in: bufio.NewReaderSize(in, 64<<10)},
	}
	i.lines.reserve = func() (func(), error) { return a.reserveLongLine(ctx) }
	if d, ok := in.(Deadliner); ok {
		i.lines.setDeadline = d.SetDeadline
	}
	defer i.lines.free()
	defer i.closeStorage()
	err := i.run()
	if err == nil {
		return i.done, nil
	}
	return i.done, i.explain(err)
}

// errCutOff says that the last line of an export is missing.
var errCutOff = errors.New("the export is cut off: its end is missing")

// notOfALine marks an error that is not about the current line of the export. explain adds no
// line number to the message of a marked error.
type notOfALine struct{ error }

// Unwrap returns the error without the mark, for errors.Is and errors.As.
func (e notOfALine) Unwrap() error { return e.error }

// explain returns the error with the number of its line, and with the counts of what the import
// did before the error.
func (i *importer) explain(err error) error {
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
		f.Path = nil
	}
	if i.store != nil {
		f.Message += fmt.Sprintf("; %s, and to repeat the import is safe", i.done)
	}
	f.Err = err
	return &f
}
