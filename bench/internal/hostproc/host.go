package hostproc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Binaries are the paths of the programs under test.
type Binaries struct {
	Host    string // path of the host's binary
	Plugins string // folder of the plugins' binaries
	// Cgroup is the file cgroup.procs of the control group that the host joins before it starts. It is
	// empty if there is no control group.
	Cgroup string
}

// Host is a running host with its plugins.
type Host struct {
	*Process
	http http.Client
}

// Start starts a host. The caller calls Stop of the returned host.
func (b Binaries) Start(s Settings, env ...string) (*Host, error) {
	dir, err := os.MkdirTemp("", "yb")
	if err != nil {
		return nil, err
	}
	plugins, err := filepath.Abs(b.Plugins)
	if err != nil {
		return nil, err
	}
	if s.DataDir == "" {
		s.DataDir = filepath.Join(dir, "data")
	}
	file := filepath.Join(dir, "botyard.hcl")
	if err := os.WriteFile(file, []byte(s.hcl(plugins)), 0o600); err != nil {
		return nil, err
	}
	command := []string{b.Host, "serve", "--config", file, "--listen", "127.0.0.1:0"}
	if b.Cgroup != "" {
		command = append([]string{"/bin/sh", "-c", `echo $$ > "$0" && exec "$@"`, b.Cgroup}, command...)
	}
	p, err := start(dir, env, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	return &Host{Process: p}, nil
}

// Ready waits until GET /readyz returns 200. It returns the time from the start of the process to this
// response. It returns an error if the host is not ready within startTimeout.
func (h *Host) Ready() (time.Duration, error) {
	for {
		resp, err := http.Get("http://" + h.Addr + "/readyz")
		if err != nil {
			return 0, err
		}
		_ = resp.Body.Close()
		took := time.Since(h.Started)
		switch {
		case resp.StatusCode == http.StatusOK:
			return took, nil
		case took > startTimeout:
			return 0, fmt.Errorf("after %s the host says %s", took, resp.Status)
		}
		time.Sleep(time.Millisecond)
	}
}

// Instances returns the number of instances of each plugin that has instances. The key is kind-name, such
// as llm-echo.
func (h *Host) Instances(ctx context.Context) (map[string]int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.Addr+"/admin/v1/plugins", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var list struct {
		Plugins []struct {
			Kind, Name string
			Instances  int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("listing plugins: %s: %w", resp.Status, err)
	}
	out := map[string]int{}
	for _, p := range list.Plugins {
		if p.Instances > 0 {
			out[p.Kind+"-"+p.Name] += p.Instances
		}
	}
	return out, nil
}

// StartSelf starts this program again with other arguments. The caller calls Stop of the returned process.
func StartSelf(env []string, args ...string) (*Process, error) {
	dir, err := os.MkdirTemp("", "yb")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(dir, env, self, args...)
}

// Register registers the n tenants from TenantID(first) on. Each tenant has a system prompt of its own and
// inherits all other settings.
func (h *Host) Register(first, n int) error {
	const callers = 4
	h.http.Transport = &http.Transport{MaxIdleConnsPerHost: callers}
	errs := make(chan error, callers)
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := first + c; i < first+n; i += callers {
				if err := h.registerTenant(TenantID(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	h.http.CloseIdleConnections()
	close(errs)
	return <-errs
}

func TenantID(i int) string { return fmt.Sprintf("tenant-%06d", i) }

func (h *Host) registerTenant(id string) error {
	// A system prompt of its own for each tenant keeps tenants from sharing a configuration, as in a real
	// registry.
	body := strings.NewReader(`{"prompts":{"system":"You are the assistant of ` + id + `."}}`)
	req, err := http.NewRequest(http.MethodPut, "http://"+h.Addr+"/admin/v1/tenants/"+id, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("registering %s: %s: %s", id, resp.Status, answer)
	}
	return err
}

// ExtraMark precedes the number in the names of a plugin's second and later processes, such as llm-echo#2.
const ExtraMark = "#"

// Pids returns the process ids of the host and of its plugins. The host's name is "host", and a plugin's
// name is kind-name. A plugin appears once its process runs. The names of a plugin's second and later
// processes end in ExtraMark and a number.
func (h *Host) Pids() (map[string]int, error) {
	resp, err := http.Get("http://" + h.Addr + "/admin/v1/plugins")
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var list struct {
		Plugins []struct {
			Kind, Name string
			PID        int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, err
	}
	out := map[string]int{"host": h.PID}
	for _, p := range list.Plugins {
		if p.PID == 0 {
			continue
		}
		name := p.Kind + "-" + p.Name
		for n := 2; out[name] != 0; n++ {
			name = fmt.Sprintf("%s-%s%s%d", p.Kind, p.Name, ExtraMark, n)
		}
		out[name] = p.PID
	}
	return out, nil
}
