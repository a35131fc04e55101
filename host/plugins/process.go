package plugins

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// process is one run of a plugin binary. launch makes it; it ends by itself, by
// stop, or by kill, and is cleaned up in each case. It cannot be started again.
type process struct {
	bin      *discovery.Binary
	exe      *discovery.Executable // its file, until it was started
	settings config.PluginSettings // that it was started with
	log      hclog.Logger
	timing   timing
	dir      string // private; removed at the end
	runtime  *runtimeDir

	cmd      *exec.Cmd
	pid      int
	lifeline *os.File // its standard input's other end
	stdout   *os.File
	stderr   *os.File
	words    *words // what it said
	unkeep   func() // of the secrets in its environment, when it is gone
	babbled  bool   // that began with something else than the handshake
	execErr  error  // why the system did not run it
	// interpreter is what runs the file, if it is a script.
	interpreter string
	client      *plugin.Client

	replaced atomic.Bool // another process takes its calls

	// Set by launch, constant afterwards.
	conn      *grpc.ClientConn
	info      *pluginv1.GetInfoResponse
	schema    *config.Schema
	startedAt time.Time
	passedOn  []*lineWriter // of the output that go-plugin passes on

	exited  chan struct{} // closed when it has ended and was waited for
	silent  chan struct{} // closed when its last output was read, after exited
	gone    chan struct{} // closed when nothing of it is left, after silent
	suspect chan struct{} // holds one: somebody thinks that it hangs

	mu      sync.Mutex
	reaped  bool
	cleaned bool   // its folder is, or is being, removed
	orderly bool   // it was asked to end and has time until stop kills it
	reason  string // why it was killed, if it was
	setups  map[*instance]*setup
	works   workLog            // whose calls it works on
	hung    time.Time          // since when it did not answer, if it was killed for that
	conns   []*grpc.ClientConn // all that go-plugin made
	tasks   sync.WaitGroup     // setups on their way; none is added once reaped

	// The supervisor's, under its lock.
	inflight int
	idle     chan struct{} // not nil while draining; closed when inflight is 0
}

// hasExited reports whether the process is known to have ended.
func (p *process) HasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// wasKilled reports whether the process was killed from here.
func (p *process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason != ""
}

// hungSince is when the process was first asked in vain, if it was killed for that.
func (p *process) hungSince() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hung
}

// isToEnd reports whether the process was asked to end.
func (p *process) isToEnd() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.orderly
}

// takesCalls reports whether a call may be sent to the process. It asks the system
// too: what is sent to a process that has just ended, before that is known here,
// looks like a call that it may have carried out.
func (p *process) takesCalls() bool {
	if p.HasExited() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.reaped && p.reason == "" && !isOver(p.pid)
}

// kill ends the process and all that it started, now. It does not wait.
func (p *process) kill(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if p.reason == "" {
		p.reason = reason
	}
	if p.pid != 0 {
		p.killGroup()
	}
}

// killGroup signals the process group. The lock is held and the process is not
// reaped: its number may be another's afterwards.
func (p *process) killGroup() {
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		p.log.Error("killing the process", "pid", p.pid, "error", err)
	}
}

// reap waits for the process's end, and for the end of its output.
func (p *process) reap(readers *sync.WaitGroup) {
	awaitExit(p.pid)
	p.mu.Lock()
	// Orphans of the plugin would keep its pipes, sockets and locks.
	p.killGroup()
	p.mu.Unlock()
	p.killRest()
	_ = p.cmd.Wait() // how it ended is in ProcessState
	p.bury()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	close(p.exited)

	// What left the process group may still hold the pipes' other ends.
	closing := time.AfterFunc(p.timing.outputGrace, func() {
		_ = p.stdout.Close()
		_ = p.stderr.Close()
	})
	readers.Wait()
	closing.Stop()
	_ = p.stdout.Close() // pipes that were read to their end
	_ = p.stderr.Close()
	_ = p.lifeline.Close()
	close(p.silent)
}

// cleanUp takes away what is left of an ended process. go-plugin's Kill is safe
// now: nothing that it waits for can hang any more.
func (p *process) cleanUp() {
	<-p.silent
	p.client.Kill()
	p.mu.Lock()
	conns := p.conns
	p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // closed by go-plugin, unless it gave up before
	}
	for _, l := range p.passedOn {
		l.end()
	}
	p.tasks.Wait() // they ended with the connection
	p.mu.Lock()
	p.cleaned = true
	p.mu.Unlock()
	if err := os.RemoveAll(p.dir); err != nil {
		p.log.Warn("removing the process's folder", "dir", p.dir, "error", err)
	}
	p.unkeep()
	close(p.gone)
}

// keepFolder makes the process's folder again if somebody took it away.
func (p *process) keepFolder() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cleaned {
		return
	}
	if err := p.runtime.keep(p.dir); err != nil {
		p.log.Warn("the process's folder cannot be made again", "dir", p.dir, "error", err)
	}
}

// noteConn keeps go-plugin's connections for cleanUp. Of a process that ended
// between its first line and its connection, go-plugin gives the connection up, and
// makes and gives up another one to end it; it closes neither. On each it opens a
// stream of its own before that.
func (p *process) noteConn(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if strings.HasPrefix(method, "/plugin.") {
		p.mu.Lock()
		if !slices.Contains(p.conns, conn) {
			p.conns = append(p.conns, conn)
		}
		p.mu.Unlock()
	}
	return stream(ctx, desc, conn, method, opts...)
}

// stop asks the process to end, kills it when the grace is over or ctx ends, and
// returns when nothing of it is left.
func (p *process) stop(ctx context.Context) {
	p.mu.Lock()
	p.orderly = true
	p.mu.Unlock()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		p.client.Kill()
	}()
	grace := time.NewTimer(p.timing.stopGrace)
	defer grace.Stop()
	select {
	case <-p.exited:
	case <-grace.C:
		p.kill("it did not end when it was asked to")
		p.log.Warn("the process did not end when it was asked to, and was killed", "grace", p.timing.stopGrace)
	case <-ctx.Done():
		p.kill("there was no time left to let it end by itself")
	}
	<-asked
	<-p.gone
}

// ending describes how the process ended, for messages.
func (p *process) ending() string {
	if !p.HasExited() {
		return "still running"
	}
	p.mu.Lock()
	reason := p.reason
	p.mu.Unlock()
	text := "status unknown"
	if p.cmd.ProcessState != nil {
		text = p.cmd.ProcessState.String()
	}
	if reason != "" {
		text += "; killed because " + reason
	}
	return text
}

// lastWords waits until the output of an ended process is read, and describes the
// end with what it said last.
func (p *process) lastWords() string {
	<-p.silent
	text := p.ending()
	if said := p.words.last(); said != "" {
		text += "; it said: " + said
	}
	return text
}

func (p *process) answer() answer { return answer{p.bin.SHA256, p.schema, p.info} }

// serves reports whether the plugin advertised the capability.
func serves(info *pluginv1.GetInfoResponse, capability string) bool {
	for _, c := range info.GetCapabilities() {
		if strings.EqualFold(c, capability) {
			return true
		}
	}
	return false
}

// String names the process in messages.
func (p *process) String() string { return fmt.Sprintf("%s (process %d)", p.bin.Ref, p.pid) }
