package config

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	schemeEnv  = "env"
	schemeFile = "file"
)

// Reference stands in a [Block]'s Config for a secret that is elsewhere: in an
// environment variable of the host ("env") or in a file ("file"). It is safe to
// print. [Host.Resolve] gets what it refers to.
type Reference struct {
	Scheme, Name string
	// Tenant says that the tenant's own layer wrote it, so that it reaches only
	// what that tenant may.
	Tenant bool
}

// String gives "${env:NAME}" or "${file:PATH}".
func (r Reference) String() string { return "${" + r.Scheme + ":" + r.Name + "}" }

// MarshalText gives the same.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var (
	wholeReference = regexp.MustCompile(`^\$\{([a-zA-Z][a-zA-Z0-9_+.-]*):([^{}]*)\}$`)
	partReference  = regexp.MustCompile(`\$\{(env|file):`)
	bareVariable   = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	hclReference   = regexp.MustCompile(`^(env|file)\("([^"]*)"\)$`)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check says what is wrong with the reference, or "".
func (r Reference) check() string {
	switch {
	case r.Scheme != schemeEnv && r.Scheme != schemeFile:
		return fmt.Sprintf("is a reference with the unknown scheme %q", r.Scheme)
	case r.Name == "":
		return "is a reference to nothing"
	case r.Scheme == schemeEnv && !variableName.MatchString(r.Name):
		return "refers to what is not the name of an environment variable" // perhaps to the secret itself
	case r.Scheme == schemeFile && strings.ContainsAny(r.Name, "{}\x00\r\n"):
		return "refers to a file whose name has a brace or a line end"
	}
	return ""
}

// parseReference gives the reference that text is as a whole.
func parseReference(text string) (Reference, bool) {
	m := wholeReference.FindStringSubmatch(text)
	if m == nil {
		return Reference{}, false
	}
	return Reference{Scheme: m[1], Name: m[2]}, true
}

// isReference is for texts of keys that are not secret, where any other text in
// braces is only a text.
func isReference(text string) bool {
	ref, ok := parseReference(text)
	return ok && (ref.Scheme == schemeEnv || ref.Scheme == schemeFile)
}

// referenceForms are what somebody may have meant who wrote ${NAME}.
const referenceForms = "${env:NAME} for an environment variable, ${file:PATH} for a file"

// referenceAsText says how to write the reference that somebody meant who wrote HCL's form
// of one as a text, as YAML and JSON are read.
func referenceAsText(text string) (message, expected string, is bool) {
	m := hclReference.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	return fmt.Sprintf("is a text that looks like HCL's %s(...)", m[1]),
		fmt.Sprintf(`%s in YAML and JSON, or in HCL %s("...") without quotes around it`, Reference{Scheme: m[1], Name: "..."}, m[1]), true
}

// strayReference says what is wrong with a text of a key that is not secret, if it is
// a reference or was meant as one.
func strayReference(value any) (message, expected string, stray bool) {
	text, ok := value.(string)
	switch {
	case ok && hclReference.MatchString(text):
		return "looks like a reference, and its key is not one of a secret", "the value itself", true
	case ok && isReference(text):
		return "is a reference, but its key is not one of a secret", "the value itself", true
	case ok && bareVariable.MatchString(text):
		return "has the form ${NAME}, and no variable is put in there", "the value itself: only keys of secrets may have references", true
	}
	return "", "", false
}
