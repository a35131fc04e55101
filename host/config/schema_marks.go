package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	sdkschema "github.com/botyard/botyard/sdk/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// marks holds the values of Botyard's own schema keywords for a property.
type marks struct {
	secret, endpoint bool
	address          bool // whether the endpoint is a network address
	author           author
	zeroUnlimited    bool // with byLower: whether 0 and negative values mean unlimited
}

// author says who may set a key, according to its schema. If several subschemas of a key have
// different marks, the greatest value applies.
type author uint8

const (
	byUnmarked author = iota // no mark: the operator, and tenants whose policy lists the full name of the key
	byTenant                 // the operator and the tenant
	byLower                  // the operator; the tenant up to the operator's value
	byOperator               // like byUnmarked, but decided by the author of the schema
)

// Validate implements jsonschema.SchemaExt. It accepts every value, because marks do not restrict
// values.
func (marks) Validate(*jsonschema.ValidatorContext, any) {}

// compileMarks reads the marks of a schema.
func compileMarks(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	m := marks{address: true} // an endpoint is an address unless its mark says false
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
			// A wrong mark is an error, because the value of a wrongly marked secret would be
			// shown.
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

// expectedWords is the text with which a schema itself describes the expected value.
type expectedWords string

// Validate implements jsonschema.SchemaExt. It accepts every value, because the text does not
// restrict values.
func (expectedWords) Validate(*jsonschema.ValidatorContext, any) {}

// maxExpectedWords is the maximum length of expectedWords, in bytes.
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
