package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrUnknownPlugin matches every [*UnknownPluginError] in errors.Is.
var ErrUnknownPlugin = errors.New("unknown plugin")

// UnknownPluginError says that no plugin has that kind and name. It lists the existing names of
// the kind.
type UnknownPluginError struct {
	Kind, Name string
	Known      []string
	Missing    []string // plugin folders that do not exist
}

// Error returns a text with the kind and the name of the missing plugin.
func (e *UnknownPluginError) Error() string {
	return fmt.Sprintf("no %s plugin is named %q", e.Kind, e.Name) + e.folders()
}

// folders returns words about plugin folders that do not exist, or "" if all exist.
func (e *UnknownPluginError) folders() string {
	switch len(e.Missing) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; the plugin folder %s is not there", e.Missing[0])
	}
	return fmt.Sprintf("; the plugin folders %s are not there", strings.Join(e.Missing, ", "))
}

// Is reports whether the target is [ErrUnknownPlugin].
func (e *UnknownPluginError) Is(target error) bool { return target == ErrUnknownPlugin }

// Schemas returns the schema of a plugin's configuration block. If no plugin has that kind and
// name, the error is or wraps an [*UnknownPluginError]. No plugin has an empty name. The merge
// reports each error as a problem of the selector.
//
// For an unchanged plugin, Schema should return the same pointer each time, because the host's
// layers are merged again whenever a pointer changes. Schema is called concurrently.
type Schemas interface {
	Schema(ctx context.Context, kind, name string) (*Schema, error)
}
