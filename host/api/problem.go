package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// Problem is the body of every error response: a problem detail of RFC 9457 with additional
// members. Clients distinguish errors by Class, and not by the status or the text.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	Class string `json:"class"`
	Path  string `json:"path,omitempty"` // the field or header that caused the error
	Party string `json:"party"`          // caller, tenant, provider, plugin or host
	// Retryable says whether the same request can succeed later.
	Retryable    bool   `json:"retryable"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	RequestID    string `json:"request_id,omitempty"` // the id of the request in the host's log
	// Problems lists all problems of a configuration.
	Problems []ConfigProblem `json:"problems,omitempty"`
}

// ConfigProblem is one problem of a configuration.
type ConfigProblem struct {
	File     string `json:"file,omitempty"` // "body" for the body of the request
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Path     string `json:"path,omitempty"`
	Pointer  string `json:"pointer,omitempty"` // Path as a JSON pointer (RFC 6901)
	Message  string `json:"message"`
	Expected string `json:"expected,omitempty"`
	Remedy   string `json:"remedy,omitempty"` // the shell command that corrects the problem
	For      string `json:"for,omitempty"`    // the affected tenant, if the problem is in a layer that the tenant inherits
}

// problemType is the prefix of Problem.Type. The class follows the prefix.
const problemType = "urn:botyard:problem:"

// problemRules maps each error class to an HTTP status.
//
// Three statuses have a special reason:
//   - QuotaExhausted is 402 and not 429. Clients repeat a 429 automatically, but waiting does not fill an
//     empty account.
//   - ContextTooLong is 422 and not 413. The conversation is too large, not the body of the request.
//   - Credentials that a provider refuses are 502 and not 401 or 403. They are the tenant's
//     credentials, and with a 401 the caller would search for a mistake in its own credentials.
var problemRules = map[fault.Class]problemRule{
	fault.Internal:          {status: http.StatusInternalServerError, title: "Internal error"},
	fault.NotFound:          {status: http.StatusNotFound, title: "Not found", others: configurationStatuses},
	fault.Invalid:           {status: http.StatusUnprocessableEntity, title: "Invalid request", others: configurationStatuses},
	fault.Conflict:          {status: http.StatusConflict, title: "Conflict", retryAfter: true, others: dependencyStatuses},
	fault.Unauthenticated:   {status: http.StatusUnauthorized, title: "Not authenticated", others: credentialStatuses},
	fault.Forbidden:         {status: http.StatusForbidden, title: "Forbidden", others: credentialStatuses},
	fault.RateLimited:       {status: http.StatusTooManyRequests, title: "Too many requests", retryAfter: true},
	fault.QuotaExhausted:    {status: http.StatusPaymentRequired, title: "Quota exhausted"},
	fault.ContextTooLong:    {status: http.StatusUnprocessableEntity, title: "Conversation too long for the model"},
	fault.ContentFiltered:   {status: http.StatusUnprocessableEntity, title: "Content refused by the provider"},
	fault.ProviderFailed:    {status: http.StatusBadGateway, title: "Provider failed"},
	fault.PluginUnavailable: {status: http.StatusServiceUnavailable, title: "Plugin unavailable", retryAfter: true},
	fault.Deadline:          {status: http.StatusGatewayTimeout, title: "No answer in time"},
	fault.Canceled:          {status: http.StatusServiceUnavailable, title: "Canceled", retryAfter: true}, // the host canceled the request; a caller that disconnected reads no response
	fault.Unsupported:       {status: http.StatusUnprocessableEntity, title: "Not supported", others: configurationStatuses},
	fault.UnknownInstance:   {status: http.StatusServiceUnavailable, title: "Plugin unavailable", retryAfter: true},
}

// problemRule says which response the errors of a class get.
type problemRule struct {
	status     int // the status if the caller is at fault
	title      string
	retryAfter bool                // a retryable error without a RetryAfter gets one second
	others     map[fault.Party]int // the statuses if another party is at fault
}

var (
	configurationStatuses = map[fault.Party]int{
		fault.PartyTenant:   http.StatusServiceUnavailable, // requests fail until the tenant's configuration is changed
		fault.PartyProvider: http.StatusBadGateway,
		fault.PartyPlugin:   http.StatusBadGateway,
		fault.PartyHost:     http.StatusInternalServerError,
	}
	dependencyStatuses = map[fault.Party]int{
		fault.PartyTenant:   http.StatusServiceUnavailable,
		fault.PartyProvider: http.StatusServiceUnavailable,
		fault.PartyPlugin:   http.StatusServiceUnavailable,
	}
	credentialStatuses = map[fault.Party]int{
		fault.PartyUnknown:  http.StatusBadGateway,
		fault.PartyTenant:   http.StatusBadGateway,
		fault.PartyProvider: http.StatusBadGateway,
		fault.PartyPlugin:   http.StatusBadGateway,
		fault.PartyHost:     http.StatusBadGateway,
	}
)

// statusFor returns the HTTP status if the party p is at fault.
func (r problemRule) statusFor(p fault.Party) int {
	if status, ok := r.others[p]; ok {
		return status
	}
	return r.status
}

// statusError is an error with an HTTP status that replaces the status of its class.
type statusError struct {
	status int
	fault  *fault.Error
}

func (e *statusError) Error() string { return e.fault.Error() }
func (e *statusError) Unwrap() error { return e.fault }

// withStatus returns e with the HTTP status.
func withStatus(status int, e *fault.Error) error { return &statusError{status, e} }

// malformed returns an error with status 400 for a request that cannot be parsed. A request that
// can be parsed but asks for something impossible gets 422 instead.
func malformed(path, format string, args ...any) error {
	if path == "" { // a query parameter without a name
		return malformedAt(nil, format, args...)
	}
	return malformedAt(fault.Path{path}, format, args...)
}

// malformedAt is malformed for a field inside of another one, or with an empty path for the request
// as a whole.
func malformedAt(path fault.Path, format string, args ...any) error {
	return withStatus(http.StatusBadRequest, fault.New(fault.Invalid, format, args...).At(path...))
}

// NewProblem returns the problem for an operator, with all details that the host has about err.
func NewProblem(err error) *Problem {
	p, _ := problemOf(err)
	return p
}

// ProblemForCallers returns the problem for callers of a bot. A fixed sentence for the class
// replaces the texts of plugins and upstreams.
func ProblemForCallers(err error) *Problem {
	p, e := problemOf(err)
	p.Detail, p.Path, p.Problems = e.ForCallers(), e.PathForCallers().String(), nil
	return p
}

// problemOf returns the problem for an operator, and the fault.Error that it describes.
func problemOf(err error) (*Problem, *fault.Error) {
	var problems config.Problems
	var known *fault.Error
	isConfig, isKnown := errors.As(err, &problems), errors.As(err, &known)
	e := fault.Of(err)
	switch {
	case isConfig && !isKnown:
		e = fault.New(fault.Invalid, "%s", countProblems(len(problems))).By(fault.PartyCaller)
	case !isKnown && e.Class == fault.Internal:
		// The text of an unknown error may contain details that callers must not get.
		e = fault.New(fault.Internal, "something went wrong in the host; its log says what, under the id of this request")
	}
	rule := problemRules[e.Class]
	p := &Problem{
		Type: problemType + e.Class.String(), Title: rule.title, Status: rule.statusFor(e.Party), Detail: e.Error(),
		Class: e.Class.String(), Path: e.Path.String(), Party: e.Party.String(), Retryable: e.Retryable,
		RetryAfterMS: e.RetryAfter.Milliseconds(),
	}
	if rule.retryAfter && p.RetryAfterMS == 0 && e.Retryable {
		p.RetryAfterMS = time.Second.Milliseconds()
	}
	var exact *statusError
	if errors.As(err, &exact) {
		p.Status = exact.status
	}
	if isConfig {
		p.Problems = ConfigProblems(problems)
	}
	return p, e
}

// problemFor returns the problem for the sender of the request: an operator, a tenant or a caller of a
// bot.
func problemFor(r *http.Request, err error) *Problem {
	of := ProblemForCallers
	switch {
	case isAsTenant(r):
		of = ProblemForTenant
	case strings.HasPrefix(r.URL.Path, "/admin/"):
		of = NewProblem
	}
	p := of(err)
	p.RequestID = requestID(r)
	return p
}

func countProblems(n int) string {
	if n == 1 {
		return "the configuration has a problem"
	}
	return "the configuration has " + strconv.Itoa(n) + " problems"
}

// ConfigProblems returns the JSON form of the problems of a configuration.
func ConfigProblems(problems config.Problems) []ConfigProblem {
	out := []ConfigProblem{}
	for _, p := range problems {
		out = append(out, ConfigProblem{
			File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column,
			Path: p.Path.String(), Pointer: pointer(p.Path), Message: p.Message, Expected: p.Expected, Remedy: p.Mend, For: p.For,
		})
	}
	return out
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointer returns the path as a JSON pointer (RFC 6901).
func pointer(path config.Path) string {
	var b strings.Builder
	for _, segment := range path {
		b.WriteString("/" + pointerEscapes.Replace(segment))
	}
	return b.String()
}

// writeError responds with the problem of err.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	p := problemFor(r, err)
	noteError(w, err)
	if p.RetryAfterMS > 0 {
		seconds := int64(math.Ceil(float64(p.RetryAfterMS) / 1000))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	body, _ := json.Marshal(p) // Marshal never fails, because a Problem has only texts, numbers and bools
	closeIfUnread(w, r)
	if err := sendBody(w, p.Status, "application/problem+json", body, stallOf(w)); err != nil {
		noteError(w, fmt.Errorf("the answer could not be delivered: %w", err))
	}
}

// clip shortens a text from a request for an error or the log.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
