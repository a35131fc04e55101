package sdk

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
)

// Plugin is a plugin that Serve can run. The packages llm, memory and storage build a Plugin from a
// configuration struct and a constructor.
type Plugin struct {
	Info Info
	// Backend implements the services of the plugin's kind.
	Backend Backend
}

// Info describes a plugin to the host.
type Info struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Services are the full names of all gRPC services that the plugin serves.
	Services []string `json:"services"`
	// Features are names of package feature.
	Features  []string `json:"features,omitempty"`
	Exclusive bool     `json:"exclusive,omitempty"`
	// MaxConcurrentCalls is how many calls the process takes at once; 0 means any number.
	MaxConcurrentCalls int `json:"max_concurrent_calls,omitempty"`
	// HostServices are the names of the host services that the plugin needs.
	HostServices []string `json:"host_services,omitempty"`
	// ConfigSchema is the JSON Schema of the plugin's configuration block.
	ConfigSchema RawSchema `json:"config_schema"`

	threads int // the argument of Threads; 0 without that option
}

// RawSchema is a JSON document.
type RawSchema []byte

// MarshalJSON returns the document unchanged.
func (r RawSchema) MarshalJSON() ([]byte, error) { return r, nil }

// Backend is the part of a plugin that depends on its kind. The packages llm, memory and storage
// implement it. Authors of plugins do not implement it.
type Backend interface {
	// Register adds the kind's gRPC services to the server.
	Register(server *grpc.Server)
	// Configure opens the instance with this id, unless the instance is open already. It returns
	// the traits of the instance.
	Configure(ctx context.Context, id string, config []byte, env Env) (Traits, error)
	// CheckConfig returns all mistakes in a configuration that the schema cannot find. It opens no
	// instance.
	CheckConfig(config []byte, env Env) []*fault.Error
	// Check returns why the instance with this id cannot do its work now. It returns
	// fault.Unsupported if the instance is no Checker.
	Check(ctx context.Context, id string) error
	// Release closes the instance with this id after its last call.
	Release(id string) error
	// Close closes all instances.
	Close() error
}

// Option changes the Info of a plugin.
type Option func(*Info)

// Exclusive marks a plugin that keeps state in its process, so that two of its processes must not
// run at once. The host stops the old process before it starts a new one, and reports that the
// state is lost.
func Exclusive() Option { return func(i *Info) { i.Exclusive = true } }

// MaxConcurrentCalls says that the plugin's process takes n calls at once. Further calls wait in the
// host, which serves the waiting tenants in turn. Without this option, a process takes any number.
func MaxConcurrentCalls(n int) Option { return func(i *Info) { i.MaxConcurrentCalls = n } }

// Feature adds a feature, which is a name of package feature. The packages llm, memory and storage
// add the features that an interface stands for by themselves, if the type that the constructor
// returns implements the interface.
func Feature(name string) Option {
	return func(i *Info) {
		if !slices.Contains(i.Features, name) {
			i.Features = append(i.Features, name)
		}
	}
}
