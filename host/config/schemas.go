package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrUnknownPlugin is what a [*UnknownPluginError] is.
var ErrUnknownPlugin = errors.New("unknown plugin")

// UnknownPluginError says that there is no plugin of that kind and name, and
// which names of that kind there are.
type UnknownPluginError struct {
	Kind, Name string
	Known      []string
	Missing    []string // plugin folders that are not there
}

// Error names what is not there.
func (e *UnknownPluginError) Error() string {
	return fmt.Sprintf("no %s plugin is named %q", e.Kind, e.Name) + e.folders()
}

// folders names the plugin folders that are not there.
func (e *UnknownPluginError) folders() string {
	switch len(e.Missing) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; the plugin folder %s is not there", e.Missing[0])
	}
	return fmt.Sprintf("; the plugin folders %s are not there", strings.Join(e.Missing, ", "))
}

// Is makes errors.Is(err, ErrUnknownPlugin) true.
func (e *UnknownPluginError) Is(target error) bool { return target == ErrUnknownPlugin }

// Schemas gives the schema of a plugin's configuration block. Where there is no
// such plugin (the empty name is never one) the error is, or wraps, an
// [*UnknownPluginError]; it becomes a problem at the selector that lists what is
// known. Any other error becomes a problem there too.
//
// The same schema for the same plugin should be the same pointer: the host's own
// layers are then merged once and not for every tenant. Schemas is called by any
// number of goroutines.
type Schemas interface {
	Schema(ctx context.Context, kind, name string) (*Schema, error)
}
