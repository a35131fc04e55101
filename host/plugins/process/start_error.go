package process

import (
	"errors"

	"github.com/botyard/botyard/host/bounds"
)

// StartError is the error of a process that failed to start.
type StartError struct {
	// Permanent says that each start of the same binary will fail in the same way.
	Permanent bool
	// HostFault says that the plugin is not at fault, but a resource of the host: disk
	// space, descriptors or the runtime folder.
	HostFault bool
	// Output is what the process wrote in the place of a handshake, up to
	// bounds.PreambleBytes. It is empty if the start failed for another reason.
	Output string
	Err    error
}

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// sanitizeStart returns err as a *StartError whose text is cleaned of secrets. It returns
// nil if err is nil.
func (s *Sanitizer) sanitizeStart(err error) error {
	if err == nil {
		return nil
	}
	out := StartError{}
	if known := (*StartError)(nil); errors.As(err, &known) {
		out = *known
	}
	text := s.Clean(err.Error(), MaxMessageBytes)
	if out.Output != "" {
		out.Output = s.Clean(out.Output, bounds.PreambleBytes)
		text += "; it wrote: " + out.Output
	}
	out.Err = &reworded{text, err}
	return &out
}

// reworded is an error whose text replaces the text of the error err.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
