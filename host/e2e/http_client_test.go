package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
)

type answer struct {
	Status int
	Header http.Header
	Body   []byte
	// The fields of the response to a turn.
	Conversation string `json:"conversation_id"`
	Turn         int64
	Reply        string
	Usage        struct {
		Input  int64 `json:"input_tokens"`
		Output int64 `json:"output_tokens"`
	}
	Bot struct {
		Tenant, Revision string
		Cached           bool
	}
	// The fields of a problem.
	Class, Detail, Path string
	Retryable           bool
}

// do sends a request. It takes headers as "Name: value".
func (host *hostProcess) do(method, path, body string, headers ...string) answer {
	host.t.Helper()
	a, err := host.try(context.Background(), method, path, body, headers...)
	if err != nil {
		host.t.Fatal(err)
	}
	return a
}

func (host *hostProcess) try(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, host.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	setHeaders(req, headers)
	resp, err := host.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.Body, &a) // a body in another format is only in the field Body
	return a, nil
}

func setHeaders(req *http.Request, headers []string) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
}

func chatBody(conversation, message string) string {
	b, err := json.Marshal(map[string]string{"conversation_id": conversation, "message": message})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (host *hostProcess) chat(tenant, conversation, message string) answer {
	host.t.Helper()
	return host.do("POST", "/api/v1/chat", chatBody(conversation, message), "X-Tenant-ID: "+tenant)
}

// mustChat sends a turn and fails the test if the turn does not succeed.
func (host *hostProcess) mustChat(tenant, conversation, message string) answer {
	host.t.Helper()
	a := host.chat(tenant, conversation, message)
	if a.Status != 200 {
		host.t.Fatalf("%s/%s: %d %s", tenant, conversation, a.Status, a.Body)
	}
	return a
}

func (host *hostProcess) put(tenant, settings string) {
	host.t.Helper()
	if a := host.do("PUT", "/admin/v1/tenants/"+tenant, settings); a.Status/100 != 2 {
		host.t.Fatalf("PUT %s: %d %s", tenant, a.Status, a.Body)
	}
}

type pluginStatus struct {
	Kind, Name, State string
	PID               int
	Restarts          int
	Instances         int
	Calls, Waiting    int
	OpenCircuits      int    `json:"open_circuits"`
	LastError         string `json:"last_error"`
}

func (host *hostProcess) plugins() map[string]pluginStatus {
	host.t.Helper()
	a := host.do("GET", "/admin/v1/plugins", "")
	var list struct{ Plugins []pluginStatus }
	if err := json.Unmarshal(a.Body, &list); err != nil || a.Status != 200 {
		host.t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	out := map[string]pluginStatus{}
	for _, p := range list.Plugins {
		out[p.Kind+"-"+p.Name] = p
	}
	return out
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (host *hostProcess) says(tenant, text string) func() bool {
	return func() bool {
		a := host.chat(tenant, "probe", "hello")
		return a.Status == 200 && strings.Contains(a.Reply, text)
	}
}
