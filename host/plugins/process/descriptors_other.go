//go:build unix && !linux

package process

import "errors"

// sealRange returns errors.ErrUnsupported on this system.
func sealRange() error { return errors.ErrUnsupported }
