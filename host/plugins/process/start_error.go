package process

import "errors"

// StartError is why a process did not come to serve.
type StartError struct {
	// Permanent says that the same binary will fail in the same way again.
	Permanent bool
	// HostFault says that what the host runs on is at fault, and not the plugin: disk
	// space, descriptors, the runtime folder.
	HostFault bool
	Err       error
}

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// sanitizeStart returns the error of a start with a text that may be repeated. It is a
// *StartError.
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

// reworded is an error with another text.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
