package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// client sends requests to the host. It is safe for concurrent use.
type client struct {
	addr string
	http *http.Client
}

func newClient(addr string) client {
	return client{addr, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

type object = map[string]any

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // unreachable: JSON can represent these values
	}
	return b
}

// maxAnswerBytes is the most that a client reads of a response's body.
const maxAnswerBytes = 32 << 20

// do sends a request and returns the status and the body. It decodes the body of a 2xx response into
// out, unless out is nil.
func (c client) do(ctx context.Context, method, path, tenant, kind string, body []byte, out any) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if tenant != "" {
		req.Header.Set("X-Tenant-ID", tenant)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err == nil && out != nil && resp.StatusCode/100 == 2 {
		err = json.Unmarshal(answer, out)
	}
	return resp.StatusCode, answer, err
}

// mustPut registers a tenant over the admin API. It returns an error if the status is not 2xx.
func (c client) mustPut(ctx context.Context, tenant string, settings object) error {
	status, body, err := c.do(ctx, http.MethodPut, "/admin/v1/tenants/"+tenant, "", "application/json", encode(settings), nil)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("registering %s: %d %s", tenant, status, body)
	}
	return err
}
