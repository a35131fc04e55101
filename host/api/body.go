package api

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// readBody reads a JSON body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return readBodyOf(w, r, limit, "application/json")
}

// readBodyOf reads a body of the media type, of at most limit bytes.
func readBodyOf(w http.ResponseWriter, r *http.Request, limit int64, mediaType string) ([]byte, error) {
	if err := checkContentType(r.Header.Values("Content-Type"), mediaType); err != nil {
		return nil, err
	}
	return readWholeBody(w.(*exchange), r, limit)
}

// boundRead sets a deadline for reading the body: the current time plus the duration that stallOf
// returns. If the request's context ends earlier, the deadline is the end of the context. The caller
// must call release. After the caller has read the whole body, it must clear the deadline.
func boundRead(w http.ResponseWriter, r *http.Request) (c *http.ResponseController, release func() bool) {
	c = http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(stallOf(w)))
	return c, context.AfterFunc(r.Context(), func() { _ = c.SetReadDeadline(time.Now()) })
}

// checkContentType returns an error unless the values of the header Content-Type are exactly the
// media type want, in UTF-8.
func checkContentType(values []string, want string) error {
	if len(values) == 1 {
		kind, params, err := mime.ParseMediaType(values[0])
		charset, given := params["charset"]
		if err == nil && kind == want && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return withStatus(http.StatusUnsupportedMediaType, fault.New(fault.Invalid,
		"is %q; expected %s", clip(strings.Join(values, ", ")), want).At("Content-Type"))
}
