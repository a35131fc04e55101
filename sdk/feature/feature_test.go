package feature

import (
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestKnown checks that the constants of the package are the features of the protocol.
func TestKnown(t *testing.T) {
	constants := []string{Egress, Embed, Tools, ResponseFormat, Remember, Forget, Renew, Import, Migrate, Backup, Watch, Owners, Overrides, Work, Retract, Branch, Cursor}
	slices.Sort(constants)
	if !slices.Equal(Known(), constants) {
		t.Errorf("the protocol has %q; the package has %q", Known(), constants)
	}
	for _, name := range constants {
		if !IsKnown(name) {
			t.Errorf("%s is unknown", name)
		}
	}
	if IsKnown("unspecified") || IsKnown("Egress") || IsKnown("") {
		t.Error("a name that is no feature is known")
	}
}

func TestChecker(t *testing.T) {
	const begin, list = "/botyard.storage.v1.StorageService/Begin", "/botyard.storage.v1.StorageService/List"
	for _, c := range []struct {
		name, method string
		request      proto.Message
		features     []string
		path, want   string // of the error; empty if there is none
	}{
		{"an RPC of the core", "/botyard.storage.v1.StorageService/Commit", &storagev1.CommitRequest{}, nil, "", ""},
		{"an RPC of a feature", "/botyard.storage.v1.StorageService/Renew", &storagev1.RenewRequest{}, nil,
			"", `lacks the feature "renew", to which the call Renew belongs`},
		{"an RPC of a feature that the plugin has", "/botyard.storage.v1.StorageService/Renew", &storagev1.RenewRequest{}, []string{Import, Renew}, "", ""},
		{"a field that is not set", begin, &storagev1.BeginRequest{}, nil, "", ""},
		{"a field", begin, &storagev1.BeginRequest{Owned: true}, []string{Renew},
			"owned", `lacks the feature "owners", to which the field owned of the call Begin belongs`},
		{"a field of a feature that the plugin has", begin, &storagev1.BeginRequest{Owned: true}, []string{Owners}, "", ""},
		{"another field", list, &storagev1.ListRequest{Wrote: true}, nil,
			"wrote", `lacks the feature "owners", to which the field wrote of the call List belongs`},
		{"a list", "/botyard.llm.v1.LLMService/Chat", &llmv1.ChatRequest{Tools: []*llmv1.Tool{{}}}, nil,
			"tools", `lacks the feature "tools", to which the field tools of the call Chat belongs`},
		{"a message", "/botyard.plugin.v1.PluginService/Configure", &pluginv1.ConfigureRequest{Egress: &pluginv1.Egress{}}, nil,
			"egress", `lacks the feature "egress", to which the field egress of the call Configure belongs`},
		{"another protocol", "/grpc.health.v1.Health/Check", nil, nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := NewChecker(c.features).Check(c.method, c.request)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || fault.Of(err).Message != c.want || fault.Of(err).Path.String() != c.path {
				t.Errorf("got %v; want %s: %s", err, c.path, c.want)
			}
		})
	}
}

// TestCheck_sees checks that Check sees every field of the protocol that belongs to a feature: only
// fields of requests have the option, and no request is nested in another request.
func TestCheck_sees(t *testing.T) {
	requests := map[protoreflect.FullName]bool{}
	for s := range services {
		for i := range s.Methods().Len() {
			requests[s.Methods().Get(i).Input().FullName()] = true
		}
	}
	marked := 0
	for s := range services {
		messages := s.ParentFile().Messages()
		for i := range messages.Len() {
			for j := range messages.Get(i).Fields().Len() {
				f := messages.Get(i).Fields().Get(j)
				if optionOf(f.Options(), pluginv1.E_FieldFeature) == "" {
					continue
				}
				marked++
				if !requests[f.Parent().FullName()] {
					t.Errorf("%s has a feature, but is no field of a request", f.FullName())
				}
			}
		}
	}
	if marked == 0 {
		t.Error("no field has a feature")
	}
}

func BenchmarkChecker(b *testing.B) {
	r := &storagev1.BeginRequest{Owned: true}
	c := NewChecker([]string{Renew, Import, Migrate, Watch, Owners, Overrides})
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check("/botyard.storage.v1.StorageService/Begin", r); err != nil {
			b.Fatal(err)
		}
	}
}
