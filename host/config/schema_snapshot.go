package config

import (
	"context"
)

// answer is what Schemas said, kept so that one merge sees one schema.
type snapshotEntry struct {
	schema *Schema
	err    error
}

// answers gives the schemas as they were when the configuration was checked.
type schemaSnapshot map[[2]string]snapshotEntry

// Schema implements [Schemas].
func (a schemaSnapshot) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if known, ok := a[[2]string{kind, name}]; ok {
		return known.schema, known.err
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name}
}
