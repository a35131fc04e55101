package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/metrics"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// page has the metric families of a metrics page by name.
type page map[string]*dto.MetricFamily

// scrape requests the metrics at an address and parses them with Prometheus's parser. It returns the HTTP
// status too.
func (host *hostProcess) scrape(address, token string) (page, int) {
	host.t.Helper()
	req, err := http.NewRequest("GET", address+"/metrics", nil)
	if err != nil {
		host.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := host.http.Do(req)
	if err != nil {
		host.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, resp.Body)
		return nil, resp.StatusCode
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		host.t.Fatalf("the page is not what Prometheus reads: %v", err)
	}
	return families, resp.StatusCode
}

// sum returns the sum of the series of a family that have all the given labels, as "name=value". For a
// histogram it adds the numbers of observations.
func (p page) sum(family string, labels ...string) float64 {
	total := 0.0
	for _, m := range p[family].GetMetric() {
		var has []string
		for _, l := range m.GetLabel() {
			has = append(has, l.GetName()+"="+l.GetValue())
		}
		if slices.ContainsFunc(labels, func(want string) bool { return !slices.Contains(has, want) }) {
			continue
		}
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return total
}

func (p page) want(t *testing.T, value float64, family string, labels ...string) {
	t.Helper()
	if got := p.sum(family, labels...); got != value {
		t.Errorf("%s%v is %v, want %v", family, labels, got, value)
	}
}

func TestMetrics_values(t *testing.T) {
	host := prepareRecall(t, `
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "sqlite" }
}
registry {
  storage { backend = "sqlite" }
}
`, map[string]string{"acme.hcl": "memory {\n type = \"recall\"\n embedder {\n  provider = \"echo\"\n }\n}\n", "bad.hcl": "nonsense = 1\n", "away.hcl": "llm {\n provider = \"nobody\"\n}\n",
		"spare.hcl": "llm {\n fail = { class = \"quota_exhausted\" }\n fallback = [{ provider = \"echo\" }]\n}\n"})
	host.runUntilTheEnd()
	for i := range 3 {
		host.mustChat("acme", fmt.Sprintf("c%d", i), "hello")
	}
	if err := host.stream("acme", `{"conversation_id":"c0","message":"once more","stream":true}`, func(event) bool { return true }); err != nil {
		t.Fatal(err)
	}
	for _, refused := range []struct{ tenant, body string }{
		{"acme", `{"conversation_id":"c0"}`}, {"nobody-knows", `{"conversation_id":"c","message":"x"}`}, {"", `{}`}, {strings.Repeat("x", 1000), `{}`},
	} {
		host.do("POST", "/api/v1/chat", refused.body, "X-Tenant-ID: "+refused.tenant)
	}
	host.do("GET", "/nowhere/at/all", "")
	host.do("GET", "/api/v1/conversations/c0?limit=x", "", "X-Tenant-ID: acme")
	p, _ := host.scrape(host.url, "")

	p.want(t, 4, "botyard_turns_total", "outcome=succeeded")
	p.want(t, 4, "botyard_turns_total", "outcome=refused")
	p.want(t, 1, "botyard_turns_total", "outcome=refused", "class=not_found", "party=caller")
	p.want(t, 8, "botyard_turn_duration_seconds")
	p.want(t, 4, "botyard_turn_first_token_seconds")
	p.want(t, 0, "botyard_turns_running")
	p.want(t, 0, "botyard_turns_waiting")
	if p.sum("botyard_tokens_total", "direction=output") == 0 {
		t.Error("no tokens are counted")
	}
	p.want(t, 8, "botyard_http_requests_total", "route=/api/v1/chat")
	p.want(t, 4, "botyard_http_requests_total", "route=/api/v1/chat", "method=POST", "status=200")
	p.want(t, 1, "botyard_http_requests_total", "route=none", "status=404")
	p.want(t, 1, "botyard_http_requests_total", "route=/api/v1/conversations/{id}", "status=400")
	p.want(t, 1, "botyard_plugin_processes", "kind=llm", "name=echo", "state=ready")
	p.want(t, 0, "botyard_plugin_restarts_total", "kind=llm", "name=echo")
	p.want(t, 4, "botyard_plugin_callbacks_total")
	p.want(t, 4, "botyard_plugin_callbacks_total", "kind=memory", "name=recall", "service=embed", "class=")
	p.want(t, 8, "botyard_plugin_calls_total", "kind=llm", "name=echo", "class=")
	p.want(t, 1, "botyard_bots_cached")
	p.want(t, 2, "botyard_tenants_invalid")
	if lag := p["botyard_registry_lag_seconds"].GetMetric(); len(lag) != 1 || lag[0].GetGauge().GetValue() > 30 {
		t.Errorf("the lag of the registry: %v", lag)
	}
	if p["go_goroutines"] == nil || p["process_resident_memory_bytes"] == nil {
		t.Error("what the process uses is missing")
	}

	host.mustChat("spare", "c", "hello")
	p, _ = host.scrape(host.url, "")
	p.want(t, 1, "botyard_models_passed_over_total", "block=llm", "class=quota_exhausted", "name=echo")
	p.want(t, 1, "botyard_fallback_replies_total", "block=llm.fallback.0")
	wellKnown(t, p)

	if err := syscall.Kill(host.plugins()["llm-echo"].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	host.eventually(30*time.Second, "the restart is counted", func() bool {
		p, _ = host.scrape(host.url, "")
		return p.sum("botyard_plugin_restarts_total", "kind=llm", "name=echo") == 1
	})
}

// labelValues are the allowed values of each label.
var labelValues = map[string]*regexp.Regexp{
	"outcome":   regexp.MustCompile(`^(succeeded|replayed|failed|interrupted|refused)$`),
	"class":     regexp.MustCompile(`^[a-z_]{0,20}$`),
	"party":     regexp.MustCompile(`^[a-z]{0,10}$`),
	"direction": regexp.MustCompile(`^(input|output)$`),
	"method":    regexp.MustCompile(`^([A-Z]+|other)$`),
	"route":     regexp.MustCompile(`^(none|/metrics|/healthz|/readyz|/(v1|api/v1|admin/v1)/[a-z/{}]+)$`),
	"status":    regexp.MustCompile(`^[0-9]{1,3}$`),
	"kind":      regexp.MustCompile(`^(llm|memory|storage)$`),
	"name":      regexp.MustCompile(`^(anthropic|echo|ollama|openai|buffer|recall|memory|sqlite|postgres)$`),
	"block":     regexp.MustCompile(`^llm(\.fallback\.[0-3])?$`),
	"service":   regexp.MustCompile(`^(embed|generate|none)$`),
	"state":     regexp.MustCompile(`^(available|starting|ready|backoff|quarantined|draining|stopped|failed)$`),
	"go":        regexp.MustCompile(`^go1`),
	"version":   regexp.MustCompile(`.`),
	"tenant":    regexp.MustCompile(`^(t[0-9]|@other)$`),
}

// wellKnown checks that the page has exactly the families that package metrics documents, with their types
// and labels. It also checks that no label has a value that a caller chose.
func wellKnown(t *testing.T, p page) {
	t.Helper()
	known := map[string]metrics.Family{}
	for _, f := range metrics.Families() {
		known[f.Name] = f
	}
	for name, family := range p {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		f, ok := known[name]
		if !ok || f.Type != strings.ToLower(family.GetType().String()) || f.Help != family.GetHelp() {
			t.Errorf("%s, a %s, is not told of as such", name, family.GetType())
		}
		delete(known, name)
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(f.Labels, l.GetName()) {
					t.Errorf("%s has the label %s, which is not told of", name, l.GetName())
				}
				if re := labelValues[l.GetName()]; re == nil || !re.MatchString(l.GetValue()) {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	for name := range known {
		t.Errorf("%s is told of, and is not on the page", name)
	}
}

func TestMetrics_access(t *testing.T) {
	const tokens = "auth {\n mode = \"token\"\n gateway_token = \"gateway-token-0123\"\n admin_token = \"admin-token-0123456\"\n}\n"
	for _, c := range []struct {
		name, config string
		main         map[string]int // HTTP status by token at the host's address
		own          map[string]int // HTTP status by token at the metrics' own address; nil without such an address
	}{
		{"on loopback", "", map[string]int{"": 200}, nil},
		{"off", "metrics {\n enabled = false\n}\n", map[string]int{"": 404}, nil},
		{"own address", "metrics {\n listen = \"127.0.0.1:0\"\n}\n", map[string]int{"": 404}, map[string]int{"": 200}},
		{"with tokens", tokens, map[string]int{"": 401, "gateway-token-0123": 403, "admin-token-0123456": 200}, nil},
		{"own address beside tokens", tokens + "metrics {\n listen = \"127.0.0.1:0\"\n}\n",
			map[string]int{"": 401, "admin-token-0123456": 404}, map[string]int{"": 200}},
		{"own address beyond this machine", tokens + "metrics {\n listen = \"0.0.0.0:0\"\n}\n",
			map[string]int{"": 401}, map[string]int{"": 401, "gateway-token-0123": 403, "admin-token-0123456": 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := start(t, c.config+echoDefaults, map[string]string{"acme.hcl": ""})
			for token, status := range c.main {
				if _, got := host.scrape(host.url, token); got != status {
					t.Errorf("with the token %q: %d, want %d", token, got, status)
				}
			}
			found := regexp.MustCompile(`url=(http://\S+)/metrics`).FindStringSubmatch(host.log.String())
			if (c.own == nil) != (found == nil) {
				t.Fatalf("an address of its own: %q", found)
			}
			for token, status := range c.own {
				own := strings.Replace(found[1], "[::]", "127.0.0.1", 1)
				if _, got := host.scrape(own, token); got != status {
					t.Errorf("with the token %q on %s: %d, want %d", token, own, got, status)
				}
				resp, err := host.http.Get(own + "/api/v1/conversations")
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode < 400 {
					t.Errorf("the address of the metrics answers more: %s", resp.Status)
				}
			}
		})
	}
}

func TestMetrics_tenantLabels(t *testing.T) {
	tenants := map[string]string{}
	for i := range 4 {
		tenants[fmt.Sprintf("t%d.hcl", i)] = ""
	}
	host := start(t, "metrics {\n tenant_label = true\n max_tenant_labels = 2\n}\n"+echoDefaults, tenants)
	for _, tenant := range []string{"t1", "t3", "t0", "t2", "t3"} {
		host.mustChat(tenant, "c", "hello")
	}
	host.chat("nobody-knows", "c", "x")
	p, _ := host.scrape(host.url, "")
	p.want(t, 1, "botyard_turns_total", "tenant=t1")
	p.want(t, 2, "botyard_turns_total", "tenant=t3")
	p.want(t, 3, "botyard_turns_total", "tenant=@other")
	p.want(t, 2, "botyard_turn_first_token_seconds", "tenant=@other")
	p.want(t, 6, "botyard_turns_total")
	if err := os.Remove(filepath.Join(host.dir, "tenants", "t3.hcl")); err != nil {
		t.Fatal(err)
	}
	host.eventually(60*time.Second, "the tenant's series leave", func() bool {
		p, _ = host.scrape(host.url, "")
		return p.sum("botyard_turns_total", "tenant=t3") == 0 && p.sum("botyard_turn_duration_seconds", "tenant=t3") == 0
	})
	host.mustChat("t2", "c", "hello")
	p, _ = host.scrape(host.url, "")
	p.want(t, 1, "botyard_turns_total", "tenant=t2")
	p.want(t, 3, "botyard_turns_total", "tenant=@other")
}

func TestMetrics_missingSecret(t *testing.T) {
	host := prepareHost(t, "secrets_dir = \"secrets\"\n"+echoDefaults, map[string]string{"acme.hcl": "llm {\n api_key = file(\"key\")\n}\n", "other.hcl": ""})
	if err := os.MkdirAll(filepath.Join(host.dir, "secrets", "acme"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("secrets/acme/key", "sk-0123456789-abcdef")
	host.runUntilTheEnd()
	host.mustChat("acme", "c", "hello")
	list := func() string {
		out, err := host.cli("tenant", "list")
		if err != nil {
			t.Fatal(err, out)
		}
		return out
	}
	if out := list(); strings.Contains(out, "gone") {
		t.Fatalf("nothing is gone:\n%s", out)
	}
	for _, how := range []func() error{
		func() error { return os.Remove(filepath.Join(host.dir, "secrets", "acme", "key")) },
		func() error { return os.WriteFile(filepath.Join(host.dir, "secrets", "acme", "key"), nil, 0o600) },
	} {
		if err := how(); err != nil {
			t.Fatal(err)
		}
		out := list()
		if n := strings.Count(out, "secret gone: "); n != 1 || !strings.Contains(out, "llm.api_key") || strings.Contains(out, "sk-0123") {
			t.Errorf("%d are gone:\n%s", n, out)
		}
		host.mustChat("acme", "c", "hello again") // the cached bot still has the key
	}
	host.write("secrets/acme/key", "sk-0123456789-abcdef")
	if out := list(); strings.Contains(out, "gone") {
		t.Errorf("it is back:\n%s", out)
	}
}
