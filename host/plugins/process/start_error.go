package process

import "errors"

// StartError is the error of a process that failed to start.
type StartError struct {
	// Permanent says that each start of the same binary will fail in the same way.
	Permanent bool
	// HostFault says that the plugin is not at fault, but a resource of the host: disk
	// space, descriptors or the runtime folder.
	HostFault bool
	Err       error
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
	out.Err = &reworded{s.Clean(err.Error(), MaxMessageBytes), err}
	return &out
}

// reworded is an error whose text replaces the text of the error err.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
