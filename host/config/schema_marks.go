package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	sdkschema "github.com/botyard/botyard/sdk/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// marks are the values of our own schema keywords for a property.
type marks struct {
	secret, endpoint bool
	address          bool // an endpoint that names an address of a network
	author           author
	zeroUnlimited    bool // with byLower: 0 and less are no bound
}

// author says who may set a key, as far as its schema says. Where several parts of a schema
// differ, the last of these counts.
type author uint8

const (
	byUnmarked author = iota // the operator; the tenant where a policy has the full name of the key
	byTenant                 // the tenant too
	byLower                  // the tenant too, to at most the operator's value
	byOperator               // as byUnmarked, but decided by the author of the schema
)

// Validate implements jsonschema.SchemaExt. The marks demand nothing of a value.
func (marks) Validate(*jsonschema.ValidatorContext, any) {}

// compileMarks reads the marks of a schema.
func compileMarks(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	m := marks{address: true} // unless it says otherwise
	var tenant, lower, operator bool
	for keyword, mark := range map[string]*bool{
		sdkschema.SecretKeyword: &m.secret, sdkschema.EndpointKeyword: &m.endpoint, sdkschema.AddressKeyword: &m.address,
		sdkschema.TenantKeyword: &tenant, sdkschema.LowerKeyword: &lower, sdkschema.OperatorKeyword: &operator, sdkschema.UnlimitedKeyword: &m.zeroUnlimited,
	} {
		value, ok := obj[keyword]
		if !ok {
			continue
		}
		if *mark, ok = value.(bool); !ok {
			// It is an error because a secret with a wrong mark would be shown.
			return nil, errors.New(keyword + " must be true or false")
		}
	}
	m.address = m.address && m.endpoint
	switch {
	case operator:
		m.author = byOperator
	case lower:
		m.author = byLower
	case tenant:
		m.author = byTenant
	}
	if m == (marks{}) {
		return nil, nil
	}
	return m, nil
}

// expectedWords is the schema's own text about the value that it expects.
type expectedWords string

// Validate implements jsonschema.SchemaExt. The words demand nothing of a value.
func (expectedWords) Validate(*jsonschema.ValidatorContext, any) {}

// maxExpectedWords bounds expectedWords, in bytes.
const maxExpectedWords = 300

func compileExpectedWords(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	value, ok := obj[sdkschema.ExpectedKeyword]
	if !ok {
		return nil, nil
	}
	text, ok := value.(string)
	if !ok || text == "" || len(text) > maxExpectedWords || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%s must be a text of one line and at most %d bytes", sdkschema.ExpectedKeyword, maxExpectedWords)
	}
	return expectedWords(text), nil
}
