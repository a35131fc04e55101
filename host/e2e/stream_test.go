package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// event is one server-sent event of a stream.
type event struct{ name, data string }

var errStreamCut = errors.New("the stream ended without done or error")

// refusedError is the error when the host refuses a request before the stream starts.
type refusedError struct{ answer answer }

func (e *refusedError) Error() string { return fmt.Sprintf("%d %s", e.answer.Status, e.answer.Body) }

// stream sends a streamed turn and calls each for every event. If each returns false, stream closes the
// connection.
func (host *hostProcess) stream(tenant, body string, each func(event) bool, headers ...string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", host.url+"/api/v1/chat", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Tenant-ID", tenant)
	setHeaders(req, headers)
	resp, err := host.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 200 {
		a := answer{Status: resp.StatusCode, Header: resp.Header}
		a.Body, _ = io.ReadAll(resp.Body)
		_ = json.Unmarshal(a.Body, &a)
		return &refusedError{a}
	}
	var e event
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		switch line := in.Text(); {
		case strings.HasPrefix(line, "event: "):
			e.name = line[7:]
		case strings.HasPrefix(line, "data: "):
			e.data += line[6:]
		case line == "" && e.name != "":
			end := e.name == "done" || e.name == "error"
			if !each(e) {
				return nil
			}
			if end {
				return nil
			}
			e = event{}
		}
	}
	if in.Err() != nil {
		return in.Err()
	}
	return errStreamCut
}
