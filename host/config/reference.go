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

// Reference stands in [Block].Config for a secret that is elsewhere: in an environment variable
// of the host ("env") or in a file ("file"). It is safe to print. [Host.ResolveBlock] reads the
// secret.
type Reference struct {
	Scheme, Name string
	// Tenant says that a document of the tenant has the reference. It then reaches only what
	// that tenant may use.
	Tenant bool
}

// String returns "${env:NAME}" or "${file:PATH}".
func (r Reference) String() string { return "${" + r.Scheme + ":" + r.Name + "}" }

// MarshalText returns the text of String.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var (
	wholeReference = regexp.MustCompile(`^\$\{([a-zA-Z][a-zA-Z0-9_+.-]*):([^{}]*)\}$`)
	partReference  = regexp.MustCompile(`\$\{(env|file):`)
	bareVariable   = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	hclReference   = regexp.MustCompile(`^(env|file)\("([^"]*)"\)$`)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check returns what is wrong with the reference; empty for nothing.
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

// parseReference returns the reference that a text is. A text with a reference in it is none.
func parseReference(text string) (Reference, bool) {
	m := wholeReference.FindStringSubmatch(text)
	if m == nil {
		return Reference{}, false
	}
	return Reference{Scheme: m[1], Name: m[2]}, true
}

// isReference reports whether a text of a key that is not secret is a reference. A text in braces
// with another scheme is only a text there.
func isReference(text string) bool {
	ref, ok := parseReference(text)
	return ok && (ref.Scheme == schemeEnv || ref.Scheme == schemeFile)
}

// referenceForms is expected where a text is ${NAME}.
const referenceForms = "${env:NAME} for an environment variable, ${file:PATH} for a file"

// referenceAsText returns how to write a reference that YAML or JSON has in HCL's form, as a
// text. It reports whether the text is one.
func referenceAsText(text string) (message, expected string, is bool) {
	m := hclReference.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	return fmt.Sprintf("is a text that looks like HCL's %s(...)", m[1]),
		fmt.Sprintf(`%s in YAML and JSON, or in HCL %s("...") without quotes around it`, Reference{Scheme: m[1], Name: "..."}, m[1]), true
}

// strayReference returns what is wrong with a text of a key that is not secret, if it is a
// reference or was meant as one.
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
