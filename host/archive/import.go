package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// ImportOptions choose how an export is imported.
type ImportOptions struct {
	// Register registers a tenant that does not exist with the configuration of the export,
	// unless secrets were left out of that configuration.
	Register bool
}

// Imported counts what an import did.
type Imported struct {
	Conversations int64 // conversations that were read and not skipped
	Turns         int64 // turns that were added
	Present       int64 // turns that were there before
	Interrupted   int64 // turns that were running when they were exported
	LeftOut       int64 // conversations that were skipped: hidden or partial
	Registered    bool  // the tenant was registered with the configuration of the export
}

// String returns the counts as a phrase of an error message.
func (i Imported) String() string {
	return fmt.Sprintf("%d turns of %d conversations are imported, %d were there already", i.Turns, i.Conversations, i.Present)
}

// Import reads an export and adds its conversations to the tenant's storage. Turns that are
// there stay as they are, so an import can be repeated. The counts are valid with an error
// too, and the error's message has them.
//
// Errors: fault.Invalid if the input is not a whole export of this version; fault.NotFound
// if the tenant does not exist; fault.Conflict if there is another turn in the place of one
// of the export.
func (a *Archive) Import(ctx context.Context, id string, o ImportOptions, in io.Reader) (Imported, error) {
	i := &importer{
		a: a, ctx: ctx, id: id, o: o,
		lines: lineReader{in: bufio.NewReaderSize(in, 64<<10)},
	}
	i.lines.reserve = func() (func(), error) { return a.reserveLongLine(ctx) }
	defer i.lines.free()
	defer i.closeStorage()
	err := i.run()
	if err == nil {
		return i.done, nil
	}
	return i.done, i.explain(err)
}

// errCutOff is the error of an export whose last line is missing.
var errCutOff = errors.New("the export is cut off: its end is missing")

// notOfALine marks an error that is not about the current line. Its message gets no line
// number.
type notOfALine struct{ error }

// Unwrap returns the error without the mark, for errors.Is and errors.As.
func (e notOfALine) Unwrap() error { return e.error }

// explain adds to an error the number of its line, and what was imported before it.
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
		f.Path = ""
	}
	if i.store != nil {
		f.Message += fmt.Sprintf("; %s, and to repeat the import is safe", i.done)
	}
	f.Err = err
	return &f
}
