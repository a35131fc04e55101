package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrUnknownPlugin is found by errors.Is in an [*UnknownPluginError].
var ErrUnknownPlugin = errors.New("unknown plugin")

// UnknownPluginError says that there is no plugin of that kind and name. It lists the names of
// the kind that there are.
type UnknownPluginError struct {
	Kind, Name string
	Known      []string
	Missing    []string // plugin folders that are not there
}

// Error returns the kind and name that are not there.
func (e *UnknownPluginError) Error() string {
	return fmt.Sprintf("no %s plugin is named %q", e.Kind, e.Name) + e.folders()
}

// folders returns the words for plugin folders that are not there; empty for none.
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

// Schemas returns the schema of a plugin's configuration block. Where there is no such plugin the
// error is, or wraps, an [*UnknownPluginError]; no plugin has an empty name. Each error becomes a
// problem of the selector.
//
// The same plugin should have the same pointer each time: the host's layers are then merged once,
// and not for every tenant. Any number of goroutines call it.
type Schemas interface {
	Schema(ctx context.Context, kind, name string) (*Schema, error)
}
