package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Keywords of ours in the schema of a property.
const (
	keywordSecret   = "x-botyard-secret"
	keywordEndpoint = "x-botyard-endpoint"
	keywordAddress  = "x-botyard-address"
	keywordExpected = "x-botyard-expected"

	keywordTenant    = "x-botyard-tenant"
	keywordLower     = "x-botyard-lower"
	keywordOperator  = "x-botyard-operator"
	keywordUnlimited = "x-botyard-zero-unlimited"
)

// marks is what our keywords say of a property.
type marks struct {
	secret, endpoint bool
	address          bool // an endpoint that names an address of a network
	author           author
	zeroUnlimited    bool // of a byLower: 0 and less are no bound
}

// author says who may set a key, as far as its schema says. Where several parts of a
// schema say different things the last of these counts.
type author uint8

const (
	byUnmarked author = iota // the operator, and the tenant where a policy names the key itself
	byTenant                 // the tenant too
	byLower                  // the tenant too, to at most what it has from the operator
	byOperator               // as unmarked, and somebody thought of it
)

// Validate implements jsonschema.SchemaExt; the marks ask nothing of a value.
func (marks) Validate(*jsonschema.ValidatorContext, any) {}

func compileMarks(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	m := marks{address: true} // unless it says otherwise
	var tenant, lower, operator bool
	for keyword, mark := range map[string]*bool{
		keywordSecret: &m.secret, keywordEndpoint: &m.endpoint, keywordAddress: &m.address,
		keywordTenant: &tenant, keywordLower: &lower, keywordOperator: &operator, keywordUnlimited: &m.zeroUnlimited,
	} {
		value, ok := obj[keyword]
		if !ok {
			continue
		}
		if *mark, ok = value.(bool); !ok {
			// Not ignored: a secret whose mark is misspelt would be shown.
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

// wording is what a schema expects of a value, in its own words.
type expectedWords string

// Validate implements jsonschema.SchemaExt; the words ask nothing of a value.
func (expectedWords) Validate(*jsonschema.ValidatorContext, any) {}

// maxWording bounds a wording, in bytes.
const maxExpectedWords = 300

func compileExpectedWords(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	value, ok := obj[keywordExpected]
	if !ok {
		return nil, nil
	}
	text, ok := value.(string)
	if !ok || text == "" || len(text) > maxExpectedWords || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%s must be a text of one line and at most %d bytes", keywordExpected, maxExpectedWords)
	}
	return expectedWords(text), nil
}
