package instances

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"google.golang.org/grpc"
)

type (
	thing   interface{ Do() }
	extra   interface{ More() }
	simple  struct{}
	capable struct{ simple }
)

func (*simple) Do()    {}
func (*capable) More() {}

func TestNewInfo_features(t *testing.T) {
	extras := []Extra{NewExtra[extra]("more")}
	for _, c := range []struct {
		name string
		info sdk.Info
		want []string
	}{
		{"a type without the interface", NewInfo[*simple]("k", "n", "1", nil, nil, extras, nil), nil},
		{"a type with the interface", NewInfo[*capable]("k", "n", "1", nil, nil, extras, nil), []string{"more"}},
		{"an interface", NewInfo[thing]("k", "n", "1", nil, nil, extras, nil), nil},
		{"a wider interface", NewInfo[interface {
			thing
			extra
		}]("k", "n", "1", nil, nil, extras, nil), []string{"more"}},
		{"an option", NewInfo[*capable]("k", "n", "1", nil, nil, extras, []sdk.Option{sdk.Feature("other"), sdk.Feature("more")}), []string{"more", "other"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slices.Equal(c.info.Features, c.want) {
				t.Errorf("features %q; want %q", c.info.Features, c.want)
			}
		})
	}
}

func TestNewInfo_services(t *testing.T) {
	got := NewInfo[*simple]("k", "n", "1", nil, []string{"k.v2.Service", "k.v1.Service"}, nil, nil).Services
	want := []string{"k.v2.Service", "k.v1.Service", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"}
	if !slices.Equal(got, want) {
		t.Errorf("services %q", got)
	}
}

// TestBackend_Configure_featureWithoutInterface checks that a plugin that declares a feature whose
// interface its instance lacks is refused, and keeps no instance.
func TestBackend_Configure_featureWithoutInterface(t *testing.T) {
	open := func(context.Context, struct{}, sdk.Env) (thing, error) { return &simple{}, nil }
	b := New(open, func(*grpc.Server, *Set[thing]) {})
	b.Features, b.Extras = []string{"more"}, []Extra{NewExtra[extra]("more")}
	_, err := b.Configure(t.Context(), "i", []byte(`{}`), sdk.Env{})
	if err == nil || !strings.Contains(err.Error(), `the feature "more", but its instance is no instances.extra`) {
		t.Errorf("got %v", err)
	}
	if _, _, err := b.Set.Get("i"); err == nil {
		t.Error("the instance was kept")
	}
}

// TestAs_error checks that an error of the constructor comes without an instance, although the
// constructor returns a nil pointer.
func TestAs_error(t *testing.T) {
	open := As[thing](func(context.Context, struct{}, sdk.Env) (*simple, error) { return nil, errors.New("no") })
	if v, err := open(t.Context(), struct{}{}, sdk.Env{}); v != nil || err == nil {
		t.Errorf("%v, %v", v, err)
	}
}
