package config

import (
	"context"
)

// snapshotEntry holds what [Schemas] returned for one plugin.
type snapshotEntry struct {
	schema *Schema
	err    error
}

// schemaSnapshot maps kind and name to the schemas that one merge used. The merge asks for each
// schema once, and uses that version to its end.
type schemaSnapshot map[[2]string]snapshotEntry

// Schema implements [Schemas].
func (a schemaSnapshot) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if known, ok := a[[2]string{kind, name}]; ok {
		return known.schema, known.err
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name}
}
