package process

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Process is one run of a plugin binary. A Launcher starts it. A Process ends by itself, by
// Stop, or because the host kills it. The host cleans it up in each case. A Process cannot
// be started a second time.
//
// The exported fields do not change after Start has returned. All methods are safe for
// concurrent use.
type Process struct {
	Binary    *discovery.Binary
	Settings  config.PluginSettings // the plugin's settings when the process was started
	Dir       string                // the process's private folder, removed after its end
	Log       hclog.Logger
	PID       int
	Conn      *grpc.ClientConn
	Info      *pluginv1.GetInfoResponse // the plugin's answer to GetInfo
	Schema    *config.Schema
	StartedAt time.Time
	Host      *services.Server // serves the host services; nil if the plugin needs none

	features    *feature.Checker // checks requests against the features in Info
	timing      Timing
	runtime     *RuntimeDir
	executable  *discovery.Executable // closed after the start of the process
	cmd         *exec.Cmd
	client      *plugin.Client
	interpreter string // the interpreter that runs the file, if the file is a script
	startErr    error  // why the system did not execute the file

	secret         sdk.Secret  // the first line of the process's standard input
	secretMetadata metadata.MD // the metadata of each call, which have the secret
	lifeline       *os.File    // the writing end of the process's standard input
	stdout, stderr *os.File
	output         *output
	passedOn       []*lineWriter // the writers of output that go-plugin receives through its connection
	badHandshake   bool          // whether the process's output began with a line that is not a handshake
	preamble       preamble      // the output of a process that wrote no handshake
	callbackEnded  func(service string, err error)
	dropSecrets    func() // removes the secrets of the process's environment from the Sanitizer

	exited    chan struct{} // closed when the process has ended and was reaped
	outputEnd chan struct{} // closed after exited, when the output is read to its end
	gone      chan struct{} // closed after outputEnd, when connections and folder are removed
	suspected chan struct{} // holds one value while RequestProbe asks for a probe

	mu         sync.Mutex
	reaped     bool               // whether the process was reaped
	asked      time.Time          // when TakesCalls last asked the system
	dirRemoved bool               // whether cleanUp has begun to remove the process's folder
	hostEnded  bool               // whether cleanUp has closed Host
	stopping   bool               // whether Stop has asked the process to end
	killReason string             // why the host killed the process; empty if it did not
	hungSince  time.Time          // the result of HungSince
	conns      []*grpc.ClientConn // all connections that go-plugin opened
	tasks      sync.WaitGroup     // the goroutines of Go; none is added once reaped is true
}

// Exited returns a channel that is closed when the process has ended and was reaped.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Gone returns a channel that is closed when the process has ended, its output is read, its
// connections and folder are removed, and the goroutines of Go have returned.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// HasExited reports whether the process is known to have ended.
func (p *Process) HasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// IsStopping reports whether the process was asked to end.
func (p *Process) IsStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

// TakesCalls reports whether a call may be sent to the process. It also asks the system
// whether the process has ended. Without that, the host could send a call to a process that
// has just ended, and could not know whether the process executed the call. It does not ask
// again if it asked less than the duration fresh ago.
func (p *Process) TakesCalls(fresh time.Duration) bool {
	if p.HasExited() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.killReason != "" {
		return false
	}
	now := time.Now()
	if now.Sub(p.asked) < fresh {
		return true
	}
	if hasEnded(p.PID) {
		p.asked = time.Time{}
		return false
	}
	p.asked = now
	return true
}

// Go runs f in a goroutine. Gone is closed only after f has returned. If the process has
// ended, Go does not run f and returns false.
func (p *Process) Go(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return false
	}
	p.tasks.Go(f)
	return true
}

// HasFeature reports whether the plugin has the feature, which is a name of package feature.
func HasFeature(info *pluginv1.GetInfoResponse, name string) bool {
	return slices.Contains(info.GetFeatures(), name)
}

// HasService reports whether the plugin serves the gRPC service with this full name.
func HasService(info *pluginv1.GetInfoResponse, name string) bool {
	return slices.Contains(info.GetServices(), name)
}

// String returns the process's name in messages.
func (p *Process) String() string { return fmt.Sprintf("%s (process %d)", p.Binary.Ref, p.PID) }
