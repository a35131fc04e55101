package sdk

import (
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
)

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
