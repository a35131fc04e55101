package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// exchange is the response writer of one request. It collects the state of the request for the log,
// the metrics and the error response. Only the goroutine of the request uses it.
type exchange struct {
	http.ResponseWriter
	status int   // the status of the response; 0 before the header is written
	err    error // the first error of the request

	reachedBot bool // whether the turn reached the bot, which then counts the turn in the metrics

	chargedTenant   string           // the result of the function chargedTenant
	bodies, answers *fairshare.Pool  // the pools from which the request takes the bytes of its body and its response
	body            *fairshare.Share // the bytes of the request's body; released when the request ends
	bodyRead        bool             // whether the body was read to its end
	stall           time.Duration    // how long the client may make no progress
	linger          bool             // whether drainBody has to read the body before the connection closes

	action       string // the action in the audit log; empty if the request has no audit line
	auditDetails []any  // pairs of names and values for the audit line
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return x.ResponseWriter.Write(b)
}

// Unwrap returns the underlying response writer. http.ResponseController calls it.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// noteError records the first error of the request for the log. The response may contain less than
// the log.
func noteError(w http.ResponseWriter, err error) {
	if x, ok := w.(*exchange); ok && x.err == nil {
		x.err = err
	}
}

// stallOf returns how long the client of the request may make no progress.
func stallOf(w http.ResponseWriter) time.Duration {
	if x, ok := w.(*exchange); ok && x.stall > 0 {
		return x.stall
	}
	return bounds.Stall
}

type requestIDKey struct{}

// requestID returns the id of the request. The log and the header X-Request-ID have the same id.
func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

// requestIDs matches the ids that a caller may choose in the header X-Request-ID.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// middleware returns a handler that runs next for each request. It sets the request id, ends the
// request's context when the caller disconnects, and recovers a panic. After the request it writes
// the log and the audit log, and counts the request in the metrics.
func (s *Server) middleware(next http.Handler) http.Handler {
	log := s.log
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if id == "" || !requestIDs.MatchString(id) {
			id = rand.Text()
		}
		ctx, done := s.disconnects.watch(r.Context())
		defer done()
		r = r.WithContext(context.WithValue(ctx, requestIDKey{}, id))
		w.Header().Set("X-Request-ID", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// The write deadline of the previous response on this connection must not apply to this
		// response.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		x := &exchange{ResponseWriter: w, stall: s.writeTimeout}
		start := time.Now()
		defer func() {
			x.body.Release()
			if p := recover(); p != nil {
				x.recovered(r, log, p)
			}
			took := time.Since(start)
			x.log(r, log, took)
			s.writeAudit(x, r, log)
			s.countRequest(x, r, took)
			x.drainBody(r, s.draining)
		}()
		next.ServeHTTP(x, r)
	})
}

// routeOf returns the pattern of the request's route without the method, or "" if the router has
// not set a route.
func routeOf(r *http.Request) string {
	return r.Pattern[strings.LastIndexByte(r.Pattern, ' ')+1:]
}

// countRequest counts the request in the metrics. If the request is a turn that was refused before
// it reached a bot, countRequest counts the turn too. The bot counts all other turns.
func (s *Server) countRequest(x *exchange, r *http.Request, took time.Duration) {
	s.metrics.RequestEnded(r.Method, routeOf(r), x.status, took)
	if x.err != nil && isTurn(r) && !x.reachedBot {
		s.metrics.TurnEnded(bot.TurnEnd{Tenant: r.Header.Get(tenantHeader), Outcome: bot.TurnRefused, Err: x.err, Took: took})
	}
}

// isTurn reports whether the request starts a turn.
func isTurn(r *http.Request) bool {
	route := routeOf(r)
	return r.Method == http.MethodPost && (route == chatRoute || route == chatAlias)
}

// recovered responds with an error to a request whose handler panicked with p. If the header is
// already written, recovered aborts the connection instead, so that the client notices that the
// response is incomplete.
func (x *exchange) recovered(r *http.Request, log hclog.Logger, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	err := fmt.Errorf("panic: %v", p)
	log.Error("a request panicked", "request_id", requestID(r), "method", r.Method, "path", r.URL.Path,
		"error", err, "stack", string(debug.Stack()))
	if x.status != 0 {
		x.err = err
		panic(http.ErrAbortHandler)
	}
	writeError(x, r, err)
}

// log writes one line about the request for the operator, without contents of the conversation. The
// log level depends on the party of the error.
func (x *exchange) log(r *http.Request, log hclog.Logger, took time.Duration) {
	if x.err == nil && !log.IsDebug() {
		return
	}
	args := []any{"request_id", requestID(r), "method", r.Method, "path", r.URL.Path, "status", x.status, "took", took.Round(time.Microsecond)}
	if tenant := tenantOf(r); tenant != "" {
		args = append(args, "tenant", tenant)
	}
	if x.err == nil {
		log.Debug("request", args...)
		return
	}
	e := fault.Of(x.err)
	what, isTurn := "request failed", isTurn(r)
	if isTurn {
		what = "turn failed"
	}
	if e.Origin != fault.OriginHere || isTurn {
		// The log has details that the response does not have.
		args = append(args, "class", e.Class.String(), "party", e.Party.String())
	}
	if e.Origin != fault.OriginHere || e.Class != fault.Invalid || !isTurn { // the error of an invalid turn may quote the message of the user
		args = append(args, "error", x.err)
	}
	switch {
	case x.status >= http.StatusInternalServerError && e.Origin == fault.OriginHere && e.Class == fault.Internal:
		log.Error(what, args...)
	case e.Origin == fault.OriginHere && !isTurn:
		log.Debug(what, args...)
	case e.Party == fault.PartyCaller:
		log.Info(what, args...)
	default:
		log.Warn(what, args...)
	}
}
