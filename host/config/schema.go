package config

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema checks one plugin's configuration block and knows which of its keys are
// secrets and endpoints. It may be used by any number of goroutines.
type Schema struct {
	root *jsonschema.Schema
}

// CompileSchema reads the JSON Schema 2020-12 of a plugin's configuration block,
// without the selector. A property with "x-botyard-secret": true holds a secret,
// and so does everything in it; one with "x-botyard-endpoint": true says where
// secrets are sent: an address of a network, unless it also has "x-botyard-address": false.
// "x-botyard-expected" says in words what a pattern beside it wants of
// a value, or why there is a maximum. "x-botyard-tenant", "x-botyard-lower" and
// "x-botyard-operator" say who may set a property and what is in it, see [author]. A schema
// cannot refer to anything outside itself: it comes
// from a plugin, and must not make the host read a file or a URL.
func CompileSchema(json []byte) (*Schema, error) {
	if len(json) > maxSize {
		return nil, fmt.Errorf("configuration schema: has %d bytes, more than %d", len(json), maxSize)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(json))
	if err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: schemaURL + "/vocabulary", Compile: compileMarks})
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: schemaURL + "/wording", Compile: compileExpectedWords})
	c.AssertVocabs()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	root, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	return &Schema{root: root}, nil
}

const schemaURL = "urn:botyard:configuration"

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s", url)
}
