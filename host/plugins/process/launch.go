package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Launcher starts plugin processes. All exported fields except DataDir and HostVersion are required, and
// must be set before the first use. A Launcher is safe for concurrent use.
type Launcher struct {
	Log       hclog.Logger
	Timing    Timing
	Scanner   *discovery.Scanner
	Runtime   *RuntimeDir
	Sanitizer *Sanitizer
	// DataDir is the folder that contains a data folder for each plugin. If DataDir is
	// empty, plugins have no data folder.
	DataDir string
	// HostVersion is the version that plugins get in GetInfo. It may be empty.
	HostVersion string
	// DroppedLines returns the plugin's counter of output lines that were not logged.
	DroppedLines func(discovery.Ref) *atomic.Int64
	// CallbackEnded is called with the end of each callback of the plugin, as services.Options.Ended.
	CallbackEnded func(r discovery.Ref, service string, err error)

	launches atomic.Int64
	schemas  schemaCache
}

// Request says which plugin process a Launcher starts.
type Request struct {
	Binary *discovery.Binary
	// Tenant is the tenant for which the process runs, if the plugin is isolated by tenant.
	// Otherwise it is empty.
	Tenant   string
	Settings config.PluginSettings
}

// Launches returns how many processes were prepared so far.
func (l *Launcher) Launches() int64 { return l.launches.Load() }

// Launch starts the binary and returns when the process serves. If the start fails, Launch
// leaves no process or folder behind, and returns a *StartError whose text contains no
// secrets. Launch takes at most the start timeout of the settings plus the time to kill the
// process.
func (l *Launcher) Launch(ctx context.Context, r Request) (*Process, error) {
	p, err := l.launch(ctx, r)
	var start *StartError
	if errors.As(err, &start) && !start.Permanent && !start.HostFault && ctx.Err() == nil {
		// A plugin that cannot create its socket ends with an error that blames the plugin.
		// Only the host can see that the runtime folder is the cause.
		if wrong := l.Runtime.check(); wrong != nil {
			err = &StartError{HostFault: true, Err: fmt.Errorf("%w; the plugin: %w", wrong, start)}
		}
	}
	return p, l.Sanitizer.sanitizeStart(err)
}

func (l *Launcher) launch(ctx context.Context, r Request) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Settings.StartTimeout)
	defer cancel()
	p, err := l.Prepare(r)
	if err != nil {
		return nil, err
	}
	return l.Start(ctx, p)
}

// Prepare verifies the binary and returns its process without starting it. The process has
// a folder and an open executable, which Start releases if it fails.
func (l *Launcher) Prepare(r Request) (*Process, error) {
	executable, err := l.Scanner.OpenVerified(r.Binary, r.Settings.SHA256)
	if err != nil {
		return nil, &StartError{HostFault: discovery.IsTransient(err), Err: err}
	}
	dir, err := l.Runtime.addDir()
	if err != nil {
		executable.Close()
		return nil, &StartError{HostFault: true, Err: err}
	}
	l.launches.Add(1)
	log := l.Log.With("kind", r.Binary.Kind, "name", r.Binary.Name)
	if r.Tenant != "" {
		log = log.With("tenant", r.Tenant)
	}
	p := &Process{
		Binary: r.Binary, Settings: r.Settings, Dir: dir, Log: log, StartedAt: time.Now(),
		executable: executable, timing: l.Timing, runtime: l.Runtime,
		exited: make(chan struct{}), outputEnd: make(chan struct{}), gone: make(chan struct{}),
		suspected: make(chan struct{}, 1), features: feature.NewChecker(nil),
	}
	p.secret = sdk.Secret(rand.Text())
	p.callbackEnded = func(service string, err error) { l.CallbackEnded(r.Binary.Ref, service, err) }
	p.secretMetadata = metadata.Pairs(sdk.SecretMetadata, string(p.secret))
	p.output = newOutput(log, l.Sanitizer, l.DroppedLines(r.Binary.Ref))
	env := allowedEnv(r.Settings.Env)
	p.dropSecrets = l.Sanitizer.Keep(append(secretsOfEnv(env), string(p.secret))...)
	if dir := l.dataDir(r.Binary.Ref, r.Tenant); dir != "" {
		env = append(env, sdk.DataDirEnv+"="+dir)
	}
	env = append(env, sdk.HostSocketEnv+"="+p.hostSocket())
	p.cmd = newCommand(r.Binary.Path, p.Dir, env)
	p.client = p.newClient(r.Settings.StartTimeout)
	return p, nil
}

// Start starts the prepared process and returns when the process serves. If the start
// fails, Start leaves no process or folder behind, and returns a *StartError.
func (l *Launcher) Start(ctx context.Context, p *Process) (*Process, error) {
	type connected struct {
		conn *grpc.ClientConn
		err  error
	}
	done := make(chan connected, 1)
	go func() {
		conn, err := p.connect()
		done <- connected{conn, err}
	}()
	var c connected
	var err error
	select {
	case c = <-done:
	case <-ctx.Done():
		p.kill("it took too long to start")
		c = <-done // connect returns, because the killed process ends
	}
	p.Conn = c.conn
	p.executable.Close()
	if p.PID == 0 {
		p.dropSecrets()
		// The plugin is at fault only if the system refused to run its file for a lasting
		// reason.
		start := &StartError{HostFault: p.startErr == nil || discovery.IsTransient(p.startErr), Err: p.whyNotRun(c.err)}
		return nil, errors.Join(start, os.RemoveAll(p.Dir))
	}
	go p.cleanUp() // cleanUp waits for the end of the process
	if err = c.err; err == nil {
		err = p.identify(ctx, &l.schemas, l.HostVersion)
	}
	if err == nil {
		p.Log.Info("plugin is ready", "version", p.Info.Version, "took", time.Since(p.StartedAt).Round(time.Millisecond))
		return p, nil
	}
	return nil, p.abandon(ctx, err)
}

// whyNotRun returns the error of a file that the system did not execute. If the interpreter
// of a script is missing, the system's error says that the script itself is missing, so
// whyNotRun names the interpreter.
func (p *Process) whyNotRun(err error) error {
	if errors.Is(p.startErr, fs.ErrNotExist) && p.interpreter != "" {
		return fmt.Errorf("%s: its interpreter %s, which its first line names, is not there: %w", p.Binary.Path, p.interpreter, err)
	}
	return fmt.Errorf("%s: %w", p.Binary.Path, err)
}

// abandon kills a process whose start failed with err, and returns the reason of the
// failure as a *StartError. ctx is the context of the start.
func (p *Process) abandon(ctx context.Context, err error) error {
	late := ctx.Err()
	endedItself := p.EndsSoon() && !p.wasKilled()
	p.kill("it did not start")
	<-p.gone
	var known *StartError
	switch {
	case errors.As(err, &known):
		return known
	case p.badHandshake:
		err = fmt.Errorf("the first line of its output is not go-plugin's handshake (%s)", p.ExitReport())
		return &StartError{Err: err, Output: string(p.preamble.text)} // ExitReport has waited for the end of the output
	case errors.Is(late, context.DeadlineExceeded):
		err = fmt.Errorf("it was not ready within %s (%s)", p.Settings.StartTimeout, p.ExitReport())
	case late != nil:
		err = fmt.Errorf("its start was given up: %w", late)
	case endedItself:
		err = fmt.Errorf("it ended before it was ready (%s)", p.ExitReport())
	default:
		err = fmt.Errorf("%w (%s)", err, p.ExitReport())
	}
	return &StartError{Err: err}
}

// dataDir returns the folder in which the plugin's processes may store files. tenant is not
// empty if the plugin is isolated by tenant; then each tenant has a folder of its own.
// dataDir returns an empty string if DataDir is empty.
func (l *Launcher) dataDir(r discovery.Ref, tenant string) string {
	if l.DataDir == "" {
		return ""
	}
	dir := filepath.Join(l.DataDir, r.Kind+"-"+r.Name)
	if tenant == "" {
		return filepath.Join(dir, "shared")
	}
	return filepath.Join(dir, "tenants", tenant)
}
