package sdk

import (
	"context"

	"google.golang.org/grpc"
)

// Plugin is a plugin ready to be served. The packages llm, memory and storage
// make one from a configuration struct and a constructor.
type Plugin struct {
	Info Info
	// Backend does what the plugin's kind asks for.
	Backend Backend
}

// Info describes a plugin to the host.
type Info struct {
	Kind         string   `json:"kind"`
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Services     []string `json:"services"`
	Capabilities []string `json:"capabilities,omitempty"`
	Exclusive    bool     `json:"exclusive,omitempty"`
	// ConfigSchema is the JSON Schema of the plugin's configuration block.
	ConfigSchema RawSchema `json:"config_schema"`
}

// RawSchema is a JSON document.
type RawSchema []byte

// MarshalJSON gives the document itself.
func (r RawSchema) MarshalJSON() ([]byte, error) { return r, nil }

// Backend is the kind's side of a plugin. Authors do not implement it: the kinds'
// packages do.
type Backend interface {
	// Register adds the kind's gRPC services to the server.
	Register(server *grpc.Server)
	// Configure makes the instance id, or finds it, and returns what depends on its
	// configuration.
	Configure(ctx context.Context, id string, config []byte, env Env) (Traits, error)
	// Release forgets the instance id.
	Release(id string) error
	// Close releases all instances.
	Close() error
}

// CapEgress is the capability of plugins whose instances connect through Env.Dialer alone.
// A host gives a tenant's own addresses to no other plugin.
const CapEgress = "egress"

// Option changes how a plugin presents itself.
type Option func(*Info)

// Exclusive marks a plugin that keeps state in its process which must not exist
// twice: the host stops it before it starts its successor, and says that the state
// is gone.
func Exclusive() Option { return func(i *Info) { i.Exclusive = true } }

// Capability advertises something beyond the core of the plugin's kind.
func Capability(name string) Option {
	return func(i *Info) { i.Capabilities = append(i.Capabilities, name) }
}
