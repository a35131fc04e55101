package config

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema checks one plugin's configuration block, and knows which of its keys are secrets and
// endpoints. It may be used by any number of goroutines.
type Schema struct {
	root *jsonschema.Schema
}

// CompileSchema reads the JSON Schema 2020-12 of a plugin's configuration block, without the
// selector. Package sdk/schema has the keywords of ours. A mark holds for the property and for
// everything in it. A schema cannot refer to anything outside of itself: it comes from a plugin,
// and must not make the host read a file or a URL.
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

// noLoader refuses every reference to another schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s", url)
}
