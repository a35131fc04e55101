package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// writeTimeout is how long a reader may take for what is written at once; one that
// is slower is cut off, so that it holds no turn and no memory.
const writeTimeout = 30 * time.Second

// exchange is a response that is watched: what was sent decides what can still be
// said when something goes wrong, and what the log says.
type exchange struct {
	http.ResponseWriter
	status int
	err    error // that was answered
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
		x := &exchange{ResponseWriter: w}
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				x.failed(r, log, p)
			}
			x.log(r, log, time.Since(start))
		}()
		next.ServeHTTP(x, r)
	})
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

func (x *exchange) log(r *http.Request, log hclog.Logger, took time.Duration) {
	args := []any{"request_id", requestID(r), "method", r.Method, "path", r.URL.Path, "status", x.status, "took", took.Round(time.Microsecond)}
	if x.err == nil {
		log.Debug("request", args...)
		return
	}
	args = append(args, "error", x.err)
	if e := fault.Of(x.err); e.Origin != fault.OriginHere {
		// The caller was told less: this is where the operator finds the rest.
		args = append(args, "class", e.Class.String(), "party", e.Party.String(), "tenant", clip(r.Header.Get(tenantHeader)))
		if e.Party == fault.PartyCaller {
			log.Info("request failed", args...)
		} else {
			log.Warn("request failed", args...)
		}
		return
	}
	if x.status >= http.StatusInternalServerError && fault.Of(x.err).Class == fault.Internal {
		log.Error("request failed", args...)
		return
	}
	log.Debug("request failed", args...)
}

// writeBody answers with all of the body at once.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		noteError(w, fmt.Errorf("the answer could not be delivered: %w", err))
	}
}
