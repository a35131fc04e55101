package plugins

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

// withSecret returns a Spec whose configuration contains the secret, with the fields that
// the host sets.
func withSecret(secret string) Spec {
	return Spec{
		Kind: "llm", Name: "test", Tenant: "t", Block: fault.Path{"llm"},
		Config: fmt.Appendf(nil, `{"secret":%q}`, secret), Secrets: []string{secret},
	}
}

const (
	first  = "sk-first-0123456789abcdef/+="
	second = "sk-second-fedcba9876543210&%"
)

// shows fails the test if the text contains a secret or a revealing part of a secret.
func shows(t *testing.T, what, text string) {
	t.Helper()
	for _, part := range []string{first, second, first[:13], second[:13], first[14:], second[15:], "s3cr3t-of-the-env", "pr0xy-pass"} {
		if strings.Contains(text, part) {
			t.Errorf("%s shows %q:\n%.2000s", what, part, text)
			return
		}
	}
}

// TestSanitizer_outputAndErrors checks that secrets are cut out of all errors and output
// lines of a process. A process that tenants share must not show the secrets of any of
// these tenants.
func TestSanitizer_outputAndErrors(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	one, other := h.open(withSecret(first)), h.open(withSecret(second))
	h.ask(one, "hello")
	for how, class := range map[string]fault.Class{
		"error": fault.Internal, "fault": fault.Forbidden, "long": fault.ProviderFailed,
	} {
		_, err := ask(context.Background(), other, "t", "leak "+how)
		f := fault.Of(err)
		if f == nil || f.Class != class || f.Origin != fault.OriginModel || !strings.Contains(f.Error(), "<secret>") || len(f.Message) > process.MaxMessageBytes {
			t.Errorf("%s: %+v", how, f)
			continue
		}
		shows(t, how, fmt.Sprintf("%v %+v %#v %q", err, f, f.Err, f.Path))
		if told := f.ForCallers(); strings.Contains(told, "403") || strings.Contains(told, "key") && class != fault.Forbidden {
			t.Errorf("%s: callers are told %q", how, told)
		}
	}
	if got := h.ask(one, "secret"); got != first {
		t.Errorf("what a model says is not ours to change, and it became %q", got)
	}
	h.ask(other, "leak stderr")
	eventually(t, 30*time.Second, "the last line, or the release", func() bool { return strings.Contains(h.log.String(), "that was all") })
	for _, want := range []string{"plain <secret> and <secret>", "two lines <secret>", "<secret> is the rest", "an entry <secret>", `"field":"<secret> and <secret>"`, "on stdout <secret>"} {
		if log := strings.ReplaceAll(strings.ReplaceAll(h.log.String(), `\u003c`, "<"), `\u003e`, ">"); !strings.Contains(log, want) {
			t.Errorf("not in the log: %s\n%.3000s", want, log)
		}
	}
	if _, err := ask(context.Background(), other, "t", "leak panic"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("err = %v", err)
	}
	h.ask(one, "hello")
	st := h.row("test")
	if !strings.Contains(st.LastError, "panic: the key <secret> and <secret>") {
		t.Errorf("status = %+v", st)
	}
	shows(t, "the status", fmt.Sprintf("%+v", st))
	shows(t, "the log", h.log.String())
}

func TestSanitizer_refusedConfiguration(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	spec := withSecret(first)
	spec.Config = fmt.Appendf(nil, `{"secret":%q,"proxy":"http://user:pr0xy-pass@proxy:3128","fail":true}`, first)
	_, err := h.Open(context.Background(), spec)
	f := fault.Of(err)
	if f == nil || f.Class != fault.Invalid || f.Party != fault.PartyTenant || f.Path.String() != "llm.proxy" || f.Origin != fault.OriginSettings {
		t.Fatalf("%+v", f)
	}
	if want := "cannot use http://user:<secret>@proxy:3128 with the key <secret>"; f.Message != want {
		t.Errorf("%q, want %q", f.Message, want)
	}
	if told := f.ForCallers(); told != "llm.proxy: the tenant's settings do not work with the bot" {
		t.Errorf("callers are told %q", told)
	}
}

func TestSanitizer_replacedSecret(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test")
	h.open(withSecret(first)).Close()
	eventually(t, 30*time.Second, "the last line, or the release", func() bool { return h.row("test").Instances == 0 })
	_, err := ask(context.Background(), h.open(withSecret(second)), "t", "leak fault")
	if err == nil || !strings.Contains(err.Error(), "<secret> and <secret>") {
		t.Errorf("err = %v", err)
	}
}

func TestSanitizer_environment(t *testing.T) {
	t.Setenv("SOME_API_KEY", "s3cr3t-of-the-env")
	t.Setenv("SOME_PROXY", "http://u:pr0xy-pass@proxy")
	h := newHost(t, hostOptions{settings: config.PluginSettings{Env: []string{"SOME_API_KEY", "SOME_PROXY"}}}, "test=tells")
	_, err := h.Schema(context.Background(), "llm", "test")
	if err == nil || !strings.Contains(err.Error(), "no use for <secret> http://u:<secret>@proxy") {
		t.Errorf("err = %v", err)
	}
	shows(t, "the error", fmt.Sprint(err))
	shows(t, "the log", h.log.String())
	shows(t, "the status", fmt.Sprintf("%+v", h.Status()))
}
