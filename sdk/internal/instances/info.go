package instances

import (
	"reflect"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// Extra is an interface that an instance may implement beside the interface of its kind.
type Extra struct {
	Feature string // the feature of plugins whose instances implement the interface
	Type    reflect.Type
}

// NewExtra returns the Extra of the interface F.
func NewExtra[F any](feature string) Extra { return Extra{feature, reflect.TypeFor[F]()} }

// NewInfo returns the description of a plugin whose constructor returns an I. services are the
// services of the kind; NewInfo adds the services that all plugins serve, and the features of the
// extras that I implements.
func NewInfo[I any](kind, name, version string, schema []byte, services []string, extras []Extra, opts []sdk.Option) sdk.Info {
	info := sdk.Info{Kind: kind, Name: name, Version: version, ConfigSchema: schema,
		Services: append(slices.Clone(services), pluginv1.PluginService_ServiceDesc.ServiceName, healthv1.Health_ServiceDesc.ServiceName)}
	for _, e := range extras {
		if Implements[I](e.Type) {
			sdk.Feature(e.Feature)(&info)
		}
	}
	for _, o := range opts {
		o(&info)
	}
	return info
}

// Implements reports whether each I implements the interface.
func Implements[I any](t reflect.Type) bool { return reflect.TypeFor[I]().Implements(t) }

// checkExtras returns an error if the plugin has a feature whose interface the instance does not
// implement.
func checkExtras(instance any, features []string, extras []Extra) error {
	for _, e := range extras {
		if slices.Contains(features, e.Feature) && !reflect.TypeOf(instance).Implements(e.Type) {
			return fault.New(fault.Internal, "the plugin has the feature %q, but its instance is no %s", e.Feature, e.Type).By(fault.PartyPlugin)
		}
	}
	return nil
}
