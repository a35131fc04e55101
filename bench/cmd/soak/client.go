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

// client speaks to the host.
type client struct {
	url  string
	http *http.Client
}

func newClient(addr string) client {
	return client{"http://" + addr, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

type reply struct {
	Turn  int64  `json:"turn"`
	Reply string `json:"reply"`
	Bot   struct {
		Tenant   string `json:"tenant"`
		Revision string `json:"revision"`
	} `json:"bot"`
	// Of a problem.
	Class     string `json:"class"`
	Retryable bool   `json:"retryable"`
}

// do answers the status and the body, read whole.
func (c client) do(ctx context.Context, method, path, tenant string, body any) (int, []byte, error) {
	resp, err := c.send(ctx, method, path, tenant, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

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

// put gives a tenant its n-th settings, and answers the revision.
func (c client) put(ctx context.Context, tenant, n int) (revision string, err error) {
	settings := object{"prompts": object{"system": systemOf(tenant, n)}}
	if tenant >= tenants-slowTenants {
		settings["llm"] = object{"tokens": 4000, "token_delay_ms": 2}
	}
	status, body, err := c.do(ctx, http.MethodPut, "/admin/v1/tenants/"+idOf(tenant), "", settings)
	if err != nil {
		return "", err
	}
	if status/100 != 2 {
		return "", fmt.Errorf("changing %s: %d %s", idOf(tenant), status, body)
	}
	var now struct{ Revision string }
	return now.Revision, json.Unmarshal(body, &now)
}

type logged struct {
	Role, Content string
	Turn          int64
}

// log reads a whole conversation.
func (c client) log(ctx context.Context, tenant, conversation string) ([]logged, error) {
	var out []logged
	for after := ""; ; {
		status, body, err := c.do(ctx, http.MethodGet, "/api/v1/conversations/"+conversation+"?limit=100"+after, tenant, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Messages []logged
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

// over says whether a failure is only the end of the run.
func over(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
