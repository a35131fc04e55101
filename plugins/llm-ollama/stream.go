package ollama

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/botyard/botyard/sdk"
	"github.com/ollama/ollama/api"
)

// firstLineBytes is the first size of the buffer for a line of a streamed response. The buffer grows up to
// maxLineBytes.
const (
	firstLineBytes = 16 << 10
	maxLineBytes   = sdk.MaxUpstreamLineBytes + 1<<20
)

// streamedLine is one line of a streamed response: a piece of the reply, or an error.
type streamedLine struct {
	api.ChatResponse
	errorLine
}

// errorLine has the fields of a line that reports an error.
type errorLine struct {
	Error     string `json:"error"`
	SigninURL string `json:"signin_url"`
}

// stream sends a chat request and calls take for each line of the response. It does the same as
// api.Client.Chat, with the same errors, and uses less memory and time: api.Client.Chat makes a buffer
// of 8 MB for each call and parses each line twice.
func (m *Model) stream(ctx context.Context, out *api.ChatRequest, take api.ChatResponseFunc) error {
	return m.post(ctx, m.http, "/api/chat", out, func(line []byte) error {
		piece, err := parseLine(line)
		if err != nil {
			return err
		}
		return take(piece)
	})
}

// post sends in as JSON to a path of the API, with the HTTP client with, and calls take for each line
// of the response. The line is valid until take returns. An error of take ends the call. post returns
// nil when the response ends, also if the response breaks off: then the exchange in ctx has the reason.
func (m *Model) post(ctx context.Context, with *http.Client, path string, in any, take func(line []byte) error) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.alias.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/x-ndjson")
	req.Header.Set("User-Agent", "botyard")
	resp, err := with.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, firstLineBytes), maxLineBytes)
	for lines.Scan() {
		if resp.StatusCode >= http.StatusBadRequest {
			return statusError(resp, lines.Bytes())
		}
		if err := take(lines.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// parseLine returns the response in a line. If the line reports an error or is not of the API, its text is
// the error.
func parseLine(b []byte) (api.ChatResponse, error) {
	var line streamedLine
	if err := json.Unmarshal(b, &line); err != nil {
		var failed errorLine
		switch {
		case json.Unmarshal(b, &failed) != nil:
			err = errors.New(string(b))
		case failed.Error != "":
			err = errors.New(failed.Error)
		}
		return api.ChatResponse{}, err
	}
	if line.Error != "" {
		return api.ChatResponse{}, errors.New(line.Error)
	}
	return line.ChatResponse, nil
}

// statusError returns the error of a response with an error status, whose first line is b.
func statusError(resp *http.Response, b []byte) error {
	var said errorLine
	if err := json.Unmarshal(b, &said); err != nil {
		said.Error = string(b)
	} else if resp.StatusCode == http.StatusUnauthorized {
		return api.AuthorizationError{StatusCode: resp.StatusCode, Status: resp.Status, SigninURL: said.SigninURL}
	}
	return api.StatusError{StatusCode: resp.StatusCode, Status: resp.Status, ErrorMessage: said.Error}
}
