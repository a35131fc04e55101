package sdk

import (
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
)

// Traits is what the host learns of an instance when it configures the instance.
type Traits struct {
	// Memory is nil for an instance that is not a memory.
	Memory *MemoryNeeds
	// LLM is nil for an instance that is not an LLM, and for an LLM that says nothing of its model.
	LLM      *LLMTraits
	Capacity Capacity
}

// Capacity says how many calls at once the upstream of an instance takes.
type Capacity struct {
	// Parallel is how many calls the host makes at the same time. 0 means any number. Further calls
	// wait in the host, which serves the waiting tenants in turn.
	Parallel int
	// Upstream names the upstream. Instances of one process with equal names share the parallel
	// calls of that upstream. The host compares the name and never shows it. The name has at most
	// MaxUpstreamBytes. An instance with an empty name has an upstream of its own.
	Upstream string
}

// MaxUpstreamBytes bounds Capacity.Upstream.
const MaxUpstreamBytes = 256

// Limited is the interface of an instance, of any kind, whose upstream takes few calls at once. The
// SDK calls Capacity when the host configures the instance.
type Limited interface{ Capacity() Capacity }

// MemoryNeeds says how many messages of the tail a memory instance wants, and whether the host
// shall call Recall and Remember.
type MemoryNeeds struct {
	Tail     int
	Recall   bool
	Remember bool
	StoreKey string // what the instance keeps; see memory.Needs
}

// Env is what an instance gets from the host beside its configuration.
type Env struct {
	// Log writes to the operator's log through the host. It is never nil.
	Log hclog.Logger
	// Dialer opens the instance's connections, to the addresses that the host allows. A plugin that
	// opens all its connections with Dialer, and looks up no names by itself, declares
	// Feature(feature.Egress). A host always sets Dialer. A nil Dialer allows every address.
	Dialer *egress.Dialer
	// Roles are the roles of the nested plugin blocks that the configuration has. An optional
	// block that is missing has no role here.
	Roles []string
	// Host is the connection to the host's services. It is nil for a plugin whose Info names no host
	// services. llm.NewNested uses it.
	Host grpc.ClientConnInterface
	// DataDir is the absolute path of the folder for files that the plugin needs after a restart.
	// The folder may not exist yet. DataDir is empty if the host has no folder for plugins. A
	// process that serves one tenant has a folder for that tenant alone.
	DataDir string
	// HostInfo is what the host says about itself. It is zero if the host says nothing.
	HostInfo HostInfo
}

// HostInfo is what a host says about itself before it configures instances. A plugin needs it only
// to offer more to newer hosts: a host never asks for what the plugin's Info does not list.
type HostInfo struct {
	Version  string   // for logs
	Services []string // full names of the gRPC services of plugins that the host can call
	Features []string // the features that the host knows, by the names of package feature
}
