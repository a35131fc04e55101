package config

import (
	"strings"

	"github.com/botyard/botyard/host/secret"
)

// The values of auth.mode say how the API authenticates callers.
const (
	AuthNone  = "none"  // no authentication; every caller may use every route
	AuthToken = "token" // each request needs one of two bearer tokens
)

// Tokens holds the bearer tokens that the API accepts in auth.mode [AuthToken].
type Tokens struct {
	Gateway secret.Text // auth.gateway_token, for the routes of tenants
	Admin   secret.Text // auth.admin_token, for the routes of operators
}

const (
	authKey  = "auth"
	modeKey  = "mode"
	minToken = 16 // bytes; an attacker could guess a shorter token over the network
)

var tokenKeys = [...]string{"gateway_token", "admin_token"}

// Tokens returns the tokens of the host's API. Each call reads the files and variables to which
// the host's files refer. Errors are [Problems], which never contain a token.
func (h *Host) Tokens() (Tokens, error) {
	tokens, problems := h.tokens()
	return tokens, problems.err()
}

func (h *Host) tokens() (Tokens, Problems) {
	auth, _ := h.hostMerge.tree[authKey].(map[string]any)
	var problems Problems
	var found [len(tokenKeys)]string
	for i, key := range tokenKeys {
		path := Path{authKey, key}
		value, given := auth[key]
		text, isText := value.(string)
		switch {
		case auth[modeKey] == AuthNone && given:
			// The operator probably believes that the API requires the token, which is wrong in
			// this mode.
			problems = append(problems, h.hostMerge.problem(path, "is given, and auth.mode does not use it", `auth.mode = "token"`))
		case auth[modeKey] != AuthToken:
		case !given:
			problems = append(problems, h.hostMerge.problem(path, `is required with auth.mode = "token"`, "a reference to a file or an environment variable"))
		case isText: // the schema reports values of other types
			var why *secretProblem
			if found[i], why = h.token(text); why != nil {
				problems = append(problems, h.hostMerge.problem(path, why.message, why.expected))
			}
		}
	}
	if found[0] != "" && found[0] == found[1] {
		problems = append(problems, h.hostMerge.problem(Path{authKey, tokenKeys[1]}, "is the same as auth.gateway_token", "another one"))
	}
	return Tokens{Gateway: secret.NewText(found[0]), Admin: secret.NewText(found[1])}, problems
}

// token returns the token in text, which is the token itself or a reference to it.
func (h *Host) token(text string) (string, *secretProblem) {
	if ref, whole := parseReference(text); whole {
		if bad := ref.check(); bad != "" {
			return "", &secretProblem{bad, "${env:NAME} or ${file:PATH}"}
		}
		var why *secretProblem
		if text, why = h.lookup("", ref); why != nil {
			return "", why
		}
	}
	switch {
	case text == secretPlaceholder:
		return "", &secretProblem{"is the text that is shown for a secret, not one", "the secret itself, or a reference to it"}
	case bareVariable.MatchString(text):
		return "", &secretProblem{"has the form ${NAME}, which is no reference", referenceForms}
	case partReference.MatchString(text):
		return "", &secretProblem{"has a reference as a part of it", "a reference as the whole value"}
	case len(text) < minToken:
		return "", &secretProblem{"is too short for a token", "at least 16 bytes"}
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", &secretProblem{"has a character that no header carries", "ASCII characters without spaces"}
	}
	return text, nil
}
