package process

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Process is one run of a plugin binary. A Launcher starts it. It ends by itself, by Stop
// or because it is killed, and is cleaned up in each case. It cannot be started again.
//
// The exported fields are constant once Start has returned. All methods are used by any
// number of goroutines.
type Process struct {
	Binary    *discovery.Binary
	Settings  config.PluginSettings // the settings at its start
	Dir       string                // private; removed at the end
	Log       hclog.Logger
	PID       int
	Conn      *grpc.ClientConn
	Info      *pluginv1.GetInfoResponse // what the plugin says of itself
	Schema    *config.Schema
	StartedAt time.Time

	timing      Timing
	runtime     *RuntimeDir
	executable  *discovery.Executable // closed once the process was started
	cmd         *exec.Cmd
	client      *plugin.Client
	interpreter string // what runs the file, if it is a script
	startErr    error  // why the system did not run the file

	lifeline       *os.File // the other end of its standard input
	stdout, stderr *os.File
	output         *output
	passedOn       []*lineWriter // the output that go-plugin passes on
	badHandshake   bool          // its output began with something else than the handshake
	dropSecrets    func()        // ends the redaction of the secrets in its environment

	exited    chan struct{} // closed when it has ended and was waited for
	outputEnd chan struct{} // closed when its last output was read, after exited
	gone      chan struct{} // closed when nothing of it is left, after outputEnd
	suspected chan struct{} // holds one value: somebody thinks that it hangs

	mu         sync.Mutex
	reaped     bool               // it was waited for
	dirRemoved bool               // its folder is removed, or is being removed
	stopping   bool               // it was asked to end and has time until Stop kills it
	killReason string             // empty if it was not killed
	hungSince  time.Time          // when the first probe was made that it did not answer, if it was killed for that
	conns      []*grpc.ClientConn // all connections that go-plugin made
	tasks      sync.WaitGroup     // see Go; nothing is added once reaped
}

// Exited returns a channel that is closed when the process has ended and was waited for.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Gone returns a channel that is closed when nothing of the process is left: no output, no
// connection, no folder, no task.
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

// TakesCalls reports whether a call may be sent to the process. It asks the system too: a
// call that is sent to a process that has just ended, before that is known here, looks
// like a call that the process may have carried out.
func (p *Process) TakesCalls() bool {
	if p.HasExited() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.reaped && p.killReason == "" && !hasEnded(p.PID)
}

// Go runs f in a goroutine that the end of the process waits for: Gone is closed after f
// has returned. It reports false, and does not run f, if the process has ended.
func (p *Process) Go(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return false
	}
	p.tasks.Go(f)
	return true
}

// HasCapability reports whether the plugin advertises the capability.
func HasCapability(info *pluginv1.GetInfoResponse, capability string) bool {
	for _, c := range info.GetCapabilities() {
		if strings.EqualFold(c, capability) {
			return true
		}
	}
	return false
}

// String returns the process's name in messages.
func (p *Process) String() string { return fmt.Sprintf("%s (process %d)", p.Binary.Ref, p.PID) }
