package config

import (
	"context"
)

// snapshotEntry is what [Schemas] returned for one plugin.
type snapshotEntry struct {
	schema *Schema
	err    error
}

// schemaSnapshot has the schemas that one merge used, by kind and name. A merge sees each schema
// as it was when it first asked for it.
type schemaSnapshot map[[2]string]snapshotEntry

// Schema implements [Schemas].
func (a schemaSnapshot) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if known, ok := a[[2]string{kind, name}]; ok {
		return known.schema, known.err
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name}
}
