package config

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema checks the configuration block of one plugin, and knows which keys are secrets and
// endpoints. It is safe for concurrent use.
type Schema struct {
	root   *jsonschema.Schema
	nested map[string]*nestedMark // the nested plugin blocks, by key; nil if there are none
}

// CompileSchema compiles the JSON Schema 2020-12 of a plugin's configuration block. The schema
// does not contain the selector. Package sdk/schema defines the additional keywords that mark
// keys, such as secrets. A mark applies to the property and to everything inside it. A schema
// cannot refer to other schemas, because a plugin must not be able to make the host read a file
// or a URL.
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
	var nested nestedCompiler
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: schemaURL + "/nested", Compile: nested.compile})
	c.AssertVocabs()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	root, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	s := &Schema{root: root}
	if s.nested, err = nestedOf(s, nested.marks); err != nil {
		return nil, fmt.Errorf("configuration schema: %w", err)
	}
	return s, nil
}

const schemaURL = "urn:botyard:configuration"

// noLoader refuses every reference to another schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s", url)
}
