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
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// exchange is a response that is watched: what was sent decides what can still be
// said when something goes wrong, and what the log says.
type exchange struct {
	http.ResponseWriter
	status int
	err    error // that was answered

	reachedBot bool // which counts its turns itself

	payer           string        // the tenant that it is counted for
	bodies, answers *quota.Pool   // that its bytes are taken from
	body            *quota.Share  // bytes of its body that are held
	whole           bool          // the body was read to its end
	stall           time.Duration // that a body or a reader may have
	linger          bool          // the connection ends, and the body is still coming

	act     string // that it is, for the log
	details []any  // of it
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

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// noteError keeps for the log what a caller is only told a part of.
func noteError(w http.ResponseWriter, err error) {
	if x, ok := w.(*exchange); ok && x.err == nil {
		x.err = err
	}
}

// stallOf is how long a reader or a body may have for nothing.
func stallOf(w http.ResponseWriter) time.Duration {
	if x, ok := w.(*exchange); ok && x.stall > 0 {
		return x.stall
	}
	return bounds.Stall
}

type requestIDKey struct{}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// watch names, logs and survives each request, and notices when its caller leaves.
func (s *Server) watch(next http.Handler) http.Handler {
	log := s.log
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if !requestIDs.MatchString(id) {
			id = rand.Text()
		}
		ctx, done := s.departures.watch(r.Context())
		defer done()
		r = r.WithContext(context.WithValue(ctx, requestIDKey{}, id))
		w.Header().Set("X-Request-ID", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// A deadline of the connection's last response must not meet this one.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		x := &exchange{ResponseWriter: w, stall: s.writeTimeout}
		start := time.Now()
		defer func() {
			x.body.Release()
			if p := recover(); p != nil {
				x.failed(r, log, p)
			}
			took := time.Since(start)
			x.log(r, log, took)
			s.logAct(x, r, log)
			s.count(x, r, took)
			x.drain(r)
		}()
		next.ServeHTTP(x, r)
	})
}

// routeOf is the pattern that the request came to, without the method; empty for none.
func routeOf(r *http.Request) string {
	return r.Pattern[strings.LastIndexByte(r.Pattern, ' ')+1:]
}

// count counts the request, and the turn that it asked for if that came to no bot.
func (s *Server) count(x *exchange, r *http.Request, took time.Duration) {
	s.metrics.RequestEnded(r.Method, routeOf(r), x.status, took)
	if x.err != nil && isTurn(r) && !x.reachedBot {
		s.metrics.TurnEnded(bot.TurnEnd{Tenant: r.Header.Get(tenantHeader), Outcome: bot.TurnRefused, Err: x.err, Took: took})
	}
}

// isTurn says whether the request asks for a turn.
func isTurn(r *http.Request) bool {
	route := routeOf(r)
	return r.Method == http.MethodPost && (route == chatRoute || route == chatAlias)
}

// failed answers for a handler that panicked. Where an answer had begun, the only
// honest end is a broken connection.
func (x *exchange) failed(r *http.Request, log hclog.Logger, p any) {
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

// log says of a request what its operator has to know, without anything that was said
// in it.
func (x *exchange) log(r *http.Request, log hclog.Logger, took time.Duration) {
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
		// The caller was told less: this is where the operator finds the rest.
		args = append(args, "class", e.Class.String(), "party", e.Party.String())
	}
	if e.Origin != fault.OriginHere || e.Class != fault.Invalid || !isTurn { // else it repeats what was sent
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
