package sdk

import (
	"context"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
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

// Traits are what depends on how an instance is configured.
type Traits struct {
	Memory   *MemoryNeeds // of a memory instance; else nil
	Capacity Capacity
}

// Capacity is how much the upstream of an instance takes at once.
type Capacity struct {
	// Parallel is how many calls the host makes at once; 0 is any number. Others wait in
	// the host, in turns by tenant.
	Parallel int
	// Upstream names what takes the calls: instances of one process that name the same
	// share its parallel calls. The host compares it and shows it to nobody. At most
	// MaxUpstreamBytes; empty is an upstream of the instance's own.
	Upstream string
}

// MaxUpstreamBytes bounds Capacity.Upstream.
const MaxUpstreamBytes = 256

// Limited is implemented by instances, of any kind, whose upstream takes few calls at
// once. It is asked when the instance is configured.
type Limited interface{ Capacity() Capacity }

// MemoryNeeds is what a memory instance asks of the host; nil for other kinds.
type MemoryNeeds struct {
	Tail     int
	Recall   bool
	Remember bool
}

// Env is what the host gives to an instance beside its configuration.
type Env struct {
	// Log reaches the operator through the host. It is never nil.
	Log hclog.Logger
	// Dialer makes the instance's connections, to where the host allows them. A plugin that
	// makes all of its connections by it, and looks up no names by itself, says so with
	// Capability(CapEgress). It is never nil in what a host configures; a nil one allows
	// every address.
	Dialer *egress.Dialer
	// DataDir is the folder that the plugin may keep files in from one run to the next,
	// absolute; it may have to be made. Empty when the host keeps nothing. A process of
	// one tenant has a folder of that tenant's.
	DataDir string
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
