package config

import (
	"context"
)

// snapshotEntry holds the result of [Schemas] for one plugin.
type snapshotEntry struct {
	schema *Schema
	err    error
}

// schemaSnapshot maps plugin kind and name to the schema that a merge used. A merge asks for each
// schema once and then uses the same version until its end.
type schemaSnapshot map[[2]string]snapshotEntry

// Schema implements [Schemas].
func (a schemaSnapshot) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if known, ok := a[[2]string{kind, name}]; ok {
		return known.schema, known.err
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name}
}
