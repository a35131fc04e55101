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

// Reference stands in [Block].Config for a secret that is stored elsewhere: in an environment
// variable of the host (scheme "env") or in a file (scheme "file"). It is safe to print, because
// it does not contain the secret. [Host.ResolveBlock] reads the secret.
type Reference struct {
	Scheme, Name string
	// Tenant says that the reference comes from a tenant's document. Such a reference can read
	// only variables and files that its tenant may use.
	Tenant bool
}

// String returns "${env:NAME}" or "${file:PATH}".
func (r Reference) String() string { return "${" + r.Scheme + ":" + r.Name + "}" }

// MarshalText returns the result of String.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var (
	wholeReference = regexp.MustCompile(`^\$\{([a-zA-Z][a-zA-Z0-9_+.-]*):([^{}]*)\}$`)
	partReference  = regexp.MustCompile(`\$\{(env|file):`)
	bareVariable   = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	hclReference   = regexp.MustCompile(`^(env|file)\("([^"]*)"\)$`)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check returns why the reference is invalid, or "" if it is valid.
func (r Reference) check() string {
	switch {
	case r.Scheme != schemeEnv && r.Scheme != schemeFile:
		return fmt.Sprintf("is a reference with the unknown scheme %q", r.Scheme)
	case r.Name == "":
		return "is a reference to nothing"
	case r.Scheme == schemeEnv && !variableName.MatchString(r.Name):
		return "refers to what is not the name of an environment variable" // the name is left out, because it may be the secret itself
	case r.Scheme == schemeFile && strings.ContainsAny(r.Name, "{}\x00\r\n"):
		return "refers to a file whose name has a brace or a line end"
	}
	return ""
}

// parseReference parses a text that is a reference as a whole. It returns false for any other
// text, also for a text that contains a reference.
func parseReference(text string) (Reference, bool) {
	m := wholeReference.FindStringSubmatch(text)
	if m == nil {
		return Reference{}, false
	}
	return Reference{Scheme: m[1], Name: m[2]}, true
}

// isReference reports whether a text of a key that is not secret is a reference with a known
// scheme. With an unknown scheme it is a plain text.
func isReference(text string) bool {
	ref, ok := parseReference(text)
	return ok && (ref.Scheme == schemeEnv || ref.Scheme == schemeFile)
}

// referenceForms is the expected part of the problem that a text has the form ${NAME}.
const referenceForms = "${env:NAME} for an environment variable, ${file:PATH} for a file"

// referenceAsText reports whether a text in YAML or JSON has HCL's form of a reference, such as
// env("NAME"). It also returns the message of the problem and the correct form.
func referenceAsText(text string) (message, expected string, is bool) {
	m := hclReference.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	return fmt.Sprintf("is a text that looks like HCL's %s(...)", m[1]),
		fmt.Sprintf(`%s in YAML and JSON, or in HCL %s("...") without quotes around it`, Reference{Scheme: m[1], Name: "..."}, m[1]), true
}

// strayReference reports whether the text of a key that is not secret is a reference or resembles
// one. It also returns the message of the problem and the expected words.
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
