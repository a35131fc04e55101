package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// client sends requests to the host. It is safe for concurrent use.
type client struct {
	url  string
	http *http.Client
}

func newClient(addr string) client {
	return client{"http://" + addr, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// reply is the host's response to a turn. It has the fields of a turn and the fields of a problem.
type reply struct {
	Turn  int64  `json:"turn"`
	Reply string `json:"reply"`
	Bot   struct {
		Tenant   string `json:"tenant"`
		Revision string `json:"revision"`
	} `json:"bot"`
	// Class and Retryable are set only if the response is a problem.
	Class     string `json:"class"`
	Retryable bool   `json:"retryable"`
}

// do sends a request and returns the status and the whole body.
func (c client) do(ctx context.Context, method, path, tenant string, body any) (int, []byte, error) {
	resp, err := c.send(ctx, method, path, tenant, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// send sends a request with body encoded as JSON. If body is nil, the request has no body. The caller
// closes the response's body.
func (c client) send(ctx context.Context, method, path, tenant string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if tenant != "" {
		req.Header.Set("X-Tenant-ID", tenant)
	}
	return c.http.Do(req)
}

type object = map[string]any

// put registers the settings of generation n for a tenant, and returns the revision of these settings.
func (c client) put(ctx context.Context, tenant, n int) (revision string, err error) {
	settings := object{"prompts": object{"system": systemPrompt(tenant, n)}}
	if tenant >= tenants-slowTenants {
		settings["llm"] = object{"tokens": 4000, "token_delay_ms": 2}
	}
	status, body, err := c.do(ctx, http.MethodPut, "/admin/v1/tenants/"+tenantID(tenant), "", settings)
	if err != nil {
		return "", err
	}
	if status/100 != 2 {
		return "", fmt.Errorf("changing %s: %d %s", tenantID(tenant), status, body)
	}
	var now struct{ Revision string }
	return now.Revision, json.Unmarshal(body, &now)
}

// logMessage is one message of a stored conversation.
type logMessage struct {
	Role, Content string
	Turn          int64
}

// readLog returns all messages of a conversation, oldest first.
func (c client) readLog(ctx context.Context, tenant, conversation string) ([]logMessage, error) {
	var out []logMessage
	for after := ""; ; {
		status, body, err := c.do(ctx, http.MethodGet, "/api/v1/conversations/"+conversation+"?limit=100"+after, tenant, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Messages []logMessage
			Next     string
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("%d %s", status, body)
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Messages...)
		if page.Next == "" {
			return out, nil
		}
		after = "&after=" + page.Next
	}
}

// endOfRun reports whether err came only because ctx, the context of the run, is done.
func endOfRun(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
