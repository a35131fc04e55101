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

// Problem is the body of every error: problem details (RFC 9457) with members of
// ours. Class, not the status and never the text, is what to tell errors apart by.
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
	// Problems is all that is wrong with a configuration.
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
	Mend     string `json:"mend,omitempty"` // the shell command that mends it
	For      string `json:"for,omitempty"`  // the tenant that has it, where the place is in what it inherits
}

// problemType begins the type of every problem; its class follows.
const problemType = "urn:botyard:problem:"

// rules is the one table from classes to HTTP.
//
// Three choices are not obvious. QuotaExhausted is 402 and not 429, which clients
// repeat by themselves: an empty account is not filled by waiting. A conversation
// too long for the model is 422: 413 is about the body of the request, which is
// fine. Credentials that a provider refuses are the tenant's, not the caller's, so
// 502 and not 401 or 403, which would make the caller look for its own.
var rules = map[fault.Class]rule{
	fault.Internal:          {status: http.StatusInternalServerError, title: "Internal error"},
	fault.NotFound:          {status: http.StatusNotFound, title: "Not found", others: settings},
	fault.Invalid:           {status: http.StatusUnprocessableEntity, title: "Invalid request", others: settings},
	fault.Conflict:          {status: http.StatusConflict, title: "Conflict", retryAfter: true, others: behind},
	fault.Unauthenticated:   {status: http.StatusUnauthorized, title: "Not authenticated", others: credentials},
	fault.Forbidden:         {status: http.StatusForbidden, title: "Forbidden", others: credentials},
	fault.RateLimited:       {status: http.StatusTooManyRequests, title: "Too many requests", retryAfter: true},
	fault.QuotaExhausted:    {status: http.StatusPaymentRequired, title: "Quota exhausted"},
	fault.ContextTooLong:    {status: http.StatusUnprocessableEntity, title: "Conversation too long for the model"},
	fault.ContentFiltered:   {status: http.StatusUnprocessableEntity, title: "Content refused by the provider"},
	fault.ProviderFailed:    {status: http.StatusBadGateway, title: "Provider failed"},
	fault.PluginUnavailable: {status: http.StatusServiceUnavailable, title: "Plugin unavailable", retryAfter: true},
	fault.Deadline:          {status: http.StatusGatewayTimeout, title: "No answer in time"},
	fault.Canceled:          {status: http.StatusServiceUnavailable, title: "Canceled", retryAfter: true}, // by the host: a caller that left reads nothing
	fault.UnknownInstance:   {status: http.StatusServiceUnavailable, title: "Plugin unavailable", retryAfter: true},
}

type rule struct {
	status int
	title  string
	// retryAfter: tell when to come again even if the error does not know.
	retryAfter bool
	// others are the statuses where the fault is not the caller's: the same request
	// would be fine if the tenant, the provider, the plugin or the host were.
	others map[fault.Party]int
}

var (
	settings = map[fault.Party]int{
		fault.PartyTenant:   http.StatusServiceUnavailable, // its configuration has to change first
		fault.PartyProvider: http.StatusBadGateway,
		fault.PartyPlugin:   http.StatusBadGateway,
		fault.PartyHost:     http.StatusInternalServerError,
	}
	behind = map[fault.Party]int{
		fault.PartyTenant:   http.StatusServiceUnavailable,
		fault.PartyProvider: http.StatusServiceUnavailable,
		fault.PartyPlugin:   http.StatusServiceUnavailable,
	}
	credentials = map[fault.Party]int{
		fault.PartyUnknown:  http.StatusBadGateway,
		fault.PartyTenant:   http.StatusBadGateway,
		fault.PartyProvider: http.StatusBadGateway,
		fault.PartyPlugin:   http.StatusBadGateway,
		fault.PartyHost:     http.StatusBadGateway,
	}
)

// statusFor is the class's status for the party at fault.
func (r rule) statusFor(p fault.Party) int {
	if status, ok := r.others[p]; ok {
		return status
	}
	return r.status
}

// statusError carries a status that is more exact than its class's.
type statusError struct {
	status int
	fault  *fault.Error
}

func (e *statusError) Error() string { return e.fault.Error() }
func (e *statusError) Unwrap() error { return e.fault }

func withStatus(status int, e *fault.Error) error { return &statusError{status, e} }

// malformed is a request that cannot be read, as opposed to one that asks for
// something that cannot be: 400, not 422.
func malformed(path, format string, args ...any) error {
	return withStatus(http.StatusBadRequest, fault.New(fault.Invalid, format, args...).At(path))
}

// NewProblem says of any error what an operator is told: all that the host knows.
func NewProblem(err error) *Problem {
	p, _ := problemOf(err)
	return p
}

// ProblemForCallers says of any error what those are told who call a bot and do not
// operate the host: of what a plugin or an upstream said a fixed sentence, by its class.
func ProblemForCallers(err error) *Problem {
	p, e := problemOf(err)
	p.Detail, p.Path, p.Problems = e.ForCallers(), e.PathForCallers(), nil
	return p
}

// problemOf is the problem of an error, and the error as it was understood.
func problemOf(err error) (*Problem, *fault.Error) {
	var problems config.Problems
	var known *fault.Error
	isConfig, isKnown := errors.As(err, &problems), errors.As(err, &known)
	e := fault.Of(err)
	switch {
	case isConfig && !isKnown:
		e = fault.New(fault.Invalid, "%s", countProblems(len(problems))).By(fault.PartyCaller)
	case !isKnown && e.Class == fault.Internal:
		// Nobody wrote this text for a caller.
		e = fault.New(fault.Internal, "something went wrong in the host; its log says what, under the id of this request")
	}
	ru := rules[e.Class]
	p := &Problem{
		Type: problemType + e.Class.String(), Title: ru.title, Status: ru.statusFor(e.Party), Detail: e.Error(),
		Class: e.Class.String(), Path: e.Path, Party: e.Party.String(), Retryable: e.Retryable,
		RetryAfterMS: e.RetryAfter.Milliseconds(),
	}
	if ru.retryAfter && p.RetryAfterMS == 0 && e.Retryable {
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

// problemFor is what the sender of the request is told.
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

// ConfigProblems shows problems of a configuration.
func ConfigProblems(problems config.Problems) []ConfigProblem {
	out := []ConfigProblem{}
	for _, p := range problems {
		out = append(out, ConfigProblem{
			File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column,
			Path: p.Path.String(), Pointer: pointer(p.Path), Message: p.Message, Expected: p.Expected, Mend: p.Mend, For: p.For,
		})
	}
	return out
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(path config.Path) string {
	var b strings.Builder
	for _, segment := range path {
		b.WriteString("/" + pointerEscapes.Replace(segment))
	}
	return b.String()
}

// writeError answers with a problem, if anybody is there to read it.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	p := problemFor(r, err)
	noteError(w, err)
	if p.RetryAfterMS > 0 {
		seconds := int64(math.Ceil(float64(p.RetryAfterMS) / 1000))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	body, _ := json.Marshal(p) // texts and numbers
	closeUnread(w, r)
	if err := sendBody(w, p.Status, "application/problem+json", body, stallOf(w)); err != nil {
		noteError(w, fmt.Errorf("the answer could not be delivered: %w", err))
	}
}
