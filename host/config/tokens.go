package config

import (
	"strings"

	"github.com/botyard/botyard/host/secret"
)

// These are the values of auth.mode.
const (
	AuthNone  = "none"  // everybody who reaches the host may do everything
	AuthToken = "token" // one of two bearer tokens is required
)

// Tokens are the bearer tokens of a host's API with auth.mode [AuthToken].
type Tokens struct {
	Gateway secret.Text // key auth.gateway_token: for the tenants' routes
	Admin   secret.Text // key auth.admin_token: for the operators' routes
}

const (
	authKey  = "auth"
	modeKey  = "mode"
	minToken = 16 // bytes: fewer can be guessed over the network
)

var tokenKeys = [...]string{"gateway_token", "admin_token"}

// Tokens returns the tokens. What the host's files refer to is read anew in each call. Errors are
// [Problems], which never contain a token.
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
			// Somebody believes that the host asks for it, and it does not.
			problems = append(problems, h.hostMerge.problem(path, "is given, and auth.mode does not use it", `auth.mode = "token"`))
		case auth[modeKey] != AuthToken:
		case !given:
			problems = append(problems, h.hostMerge.problem(path, `is required with auth.mode = "token"`, "a reference to a file or an environment variable"))
		case isText: // any other type is reported by the schema
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

// token returns the token that a text of the host's files is or refers to.
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
