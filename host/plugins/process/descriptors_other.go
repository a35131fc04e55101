//go:build unix && !linux

package process

import "errors"

// sealRange is not possible on this system.
func sealRange() error { return errors.ErrUnsupported }
