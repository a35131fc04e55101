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

// Problem is the body of every error: problem details (RFC 9457) with members of our own.
// Clients tell errors apart by Class, not by the status and never by the text.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	Class string `json:"class"`
	Path  string `json:"path,omitempty"` // the field or header at fault
	Party string `json:"party"`          // caller, tenant, provider, plugin or host
	// Retryable says whether the same request can succeed later.
	Retryable    bool   `json:"retryable"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	RequestID    string `json:"request_id,omitempty"` // what the host's log calls this request
	// Problems lists everything that is wrong with a configuration.
	Problems []ConfigProblem `json:"problems,omitempty"`
}

// ConfigProblem is one thing that is wrong with a configuration.
type ConfigProblem struct {
	File     string `json:"file,omitempty"` // "body" is the request's
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Path     string `json:"path,omitempty"`
	Pointer  string `json:"pointer,omitempty"` // Path as a JSON pointer (RFC 6901)
	Message  string `json:"message"`
	Expected string `json:"expected,omitempty"`
	Remedy   string `json:"remedy,omitempty"` // the shell command that fixes it
	For      string `json:"for,omitempty"`    // the tenant that is affected, if the place is in a layer that it inherits
}

// problemType is the beginning of every problem's type. The class follows.
const problemType = "urn:botyard:problem:"

// problemRules maps each class of errors to HTTP. It is the only table that does.
//
// Three choices are not obvious:
//   - QuotaExhausted is 402 and not 429. Clients repeat a 429 by themselves, but waiting
//     does not fill an empty account.
//   - ContextTooLong is 422 and not 413. The body of the request is not too large; the
//     conversation is.
//   - Credentials that a provider refuses are 502 and not 401 or 403. They are the
//     tenant's, and the caller would look for a mistake in its own.
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
	fault.Canceled:          {status: http.StatusServiceUnavailable, title: "Canceled", retryAfter: true}, // by the host; a caller that has left reads nothing
	fault.UnknownInstance:   {status: http.StatusServiceUnavailable, title: "Plugin unavailable", retryAfter: true},
}

// problemRule says how the errors of a class are answered.
type problemRule struct {
	status     int // if the caller is at fault
	title      string
	retryAfter bool                // a retryable error without a time gets one second
	others     map[fault.Party]int // statuses if another party is at fault
}

var (
	configurationStatuses = map[fault.Party]int{
		fault.PartyTenant:   http.StatusServiceUnavailable, // until its configuration is changed
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

// statusFor returns the status for the party at fault.
func (r problemRule) statusFor(p fault.Party) int {
	if status, ok := r.others[p]; ok {
		return status
	}
	return r.status
}

// statusError is an error with a status that is more exact than the one of its class.
type statusError struct {
	status int
	fault  *fault.Error
}

func (e *statusError) Error() string { return e.fault.Error() }
func (e *statusError) Unwrap() error { return e.fault }

// withStatus returns e with a status of its own.
func withStatus(status int, e *fault.Error) error { return &statusError{status, e} }

// malformed returns the error for a request that cannot be read. Its status is 400; a
// request that can be read and asks for something impossible is 422.
func malformed(path, format string, args ...any) error {
	return withStatus(http.StatusBadRequest, fault.New(fault.Invalid, format, args...).At(path))
}

// NewProblem returns the problem that an operator gets: all that the host knows of err.
func NewProblem(err error) *Problem {
	p, _ := problemOf(err)
	return p
}

// ProblemForCallers returns the problem that the callers of a bot get. What a plugin or an
// upstream said is replaced by a fixed sentence for its class.
func ProblemForCallers(err error) *Problem {
	p, e := problemOf(err)
	p.Detail, p.Path, p.Problems = e.ForCallers(), e.PathForCallers(), nil
	return p
}

// problemOf returns the problem for an operator, and the error that it was made from.
func problemOf(err error) (*Problem, *fault.Error) {
	var problems config.Problems
	var known *fault.Error
	isConfig, isKnown := errors.As(err, &problems), errors.As(err, &known)
	e := fault.Of(err)
	switch {
	case isConfig && !isKnown:
		e = fault.New(fault.Invalid, "%s", countProblems(len(problems))).By(fault.PartyCaller)
	case !isKnown && e.Class == fault.Internal:
		// The text of an unknown error was not written for callers.
		e = fault.New(fault.Internal, "something went wrong in the host; its log says what, under the id of this request")
	}
	rule := problemRules[e.Class]
	p := &Problem{
		Type: problemType + e.Class.String(), Title: rule.title, Status: rule.statusFor(e.Party), Detail: e.Error(),
		Class: e.Class.String(), Path: e.Path, Party: e.Party.String(), Retryable: e.Retryable,
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

// problemFor returns the problem that the sender of the request gets.
func problemFor(r *http.Request, err error) *Problem {
	of := ProblemForCallers
	if strings.HasPrefix(r.URL.Path, "/admin/") {
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

// ConfigProblems returns the problems of a configuration as JSON has them.
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

// writeError answers with the problem of err.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	p := problemFor(r, err)
	noteError(w, err)
	if p.RetryAfterMS > 0 {
		seconds := int64(math.Ceil(float64(p.RetryAfterMS) / 1000))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	body, _ := json.Marshal(p) // cannot fail: it has only texts and numbers
	closeIfUnread(w, r)
	if err := sendBody(w, p.Status, "application/problem+json", body, stallOf(w)); err != nil {
		noteError(w, fmt.Errorf("the answer could not be delivered: %w", err))
	}
}

// clip shortens a text of a request that an error or the log repeats.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
