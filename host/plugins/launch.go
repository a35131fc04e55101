package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// services are those that the host knows to call, for each kind.
var services = map[string][]string{
	"llm":     {llmv1.LLMService_ServiceDesc.ServiceName},
	"memory":  {memoryv1.MemoryService_ServiceDesc.ServiceName},
	"storage": {storagev1.StorageService_ServiceDesc.ServiceName},
}

// startError is why a process did not come to serve.
type startError struct {
	// permanent: the same binary will fail in the same way again.
	permanent bool
	// surroundings: what the host runs on is at fault, and not the plugin.
	surroundings bool
	err          error
}

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// connPlugin takes the connection out of go-plugin; the kinds' clients use it.
type connPlugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = connPlugin{}

func (connPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no plugin")
}

func (connPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// launch starts the binary and returns when it serves. When it fails, nothing of
// the process is left, and the error is a *startError that says nothing secret. It takes no longer than the
// plugin's start timeout and the time that killing takes.
func (m *Manager) launch(ctx context.Context, bin *discovery.Binary, scope string) (*process, error) {
	return m.launchWith(ctx, bin, scope, m.opts.settings(bin.Ref))
}

// launchWith is launch with settings that need not count yet.
func (m *Manager) launchWith(ctx context.Context, bin *discovery.Binary, scope string, settings config.PluginSettings) (*process, error) {
	p, err := m.attempt(ctx, bin, scope, settings)
	var start *startError
	if errors.As(err, &start) && !start.permanent && !start.surroundings && ctx.Err() == nil {
		// A plugin that cannot make its socket ends, and says so in words of its own.
		if wrong := m.runtime.check(); wrong != nil {
			err = &startError{surroundings: true, err: fmt.Errorf("%w; the plugin: %w", wrong, start)}
		}
	}
	return p, m.saidAtStart(err)
}

func (m *Manager) attempt(ctx context.Context, bin *discovery.Binary, scope string, settings config.PluginSettings) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, settings.StartTimeout)
	defer cancel()
	p, err := m.prepare(bin, scope, settings)
	if err != nil {
		return nil, err
	}
	return m.run(ctx, p, settings)
}

// run starts the process that was prepared.
func (m *Manager) run(ctx context.Context, p *process, settings config.PluginSettings) (*process, error) {
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
		c = <-done // go-plugin returns when the process has ended
	}
	p.conn = c.conn
	p.exe.Close()
	if p.pid == 0 {
		p.unkeep()
		// All but the system's refusal to run just this file is before, and around, the plugin.
		start := &startError{surroundings: p.execErr == nil || discovery.IsTransient(p.execErr), err: p.whyNotRun(c.err)}
		return nil, errors.Join(start, os.RemoveAll(p.dir))
	}
	go p.cleanUp() // waits for the end, whenever that is
	if err = c.err; err == nil {
		err = p.introduce(ctx, m.schemas)
	}
	if err == nil {
		p.log.Info("plugin is ready", "version", p.info.Version, "took", time.Since(p.startedAt).Round(time.Millisecond))
		return p, nil
	}
	return nil, p.abandon(ctx, err, settings.StartTimeout)
}

// prepare makes the process, which is not started. Its folder is the only trace.
func (m *Manager) prepare(bin *discovery.Binary, scope string, settings config.PluginSettings) (*process, error) {
	exe, err := m.scanner.OpenVerified(bin, settings.SHA256)
	if err != nil {
		return nil, &startError{surroundings: discovery.IsTransient(err), err: err}
	}
	dir, err := m.runtime.add()
	if err != nil {
		exe.Close()
		return nil, &startError{surroundings: true, err: err}
	}
	m.launches.Add(1)
	log := m.log.With("kind", bin.Kind, "name", bin.Name)
	if scope != "" {
		log = log.With("tenant", scope)
	}
	p := &process{
		bin: bin, exe: exe, settings: settings, log: log, timing: m.timing, startedAt: time.Now(),
		dir: dir, runtime: m.runtime,
		exited: make(chan struct{}), silent: make(chan struct{}), gone: make(chan struct{}),
		suspect: make(chan struct{}, 1), setups: map[*instance]*setup{},
	}
	p.words = newWords(log, m.said, &m.totalsOf(bin.Ref).dropped)
	env := allowedEnv(settings.Env)
	p.unkeep = m.secrets.Keep(secretEnv(env)...)
	if dir := m.dataDir(bin.Ref, scope); dir != "" {
		env = append(env, sdk.DataDirEnv+"="+dir)
	}
	p.cmd = command(bin.Path, p.dir, env)
	p.client = p.newClient(settings.StartTimeout)
	return p, nil
}

// whyNotRun says why the system did not run the file. Of a script whose interpreter is
// missing the system says that the script is.
func (p *process) whyNotRun(err error) error {
	if errors.Is(p.execErr, fs.ErrNotExist) {
		if by := p.interpreter; by != "" {
			return fmt.Errorf("%s: its interpreter %s, which its first line names, is not there: %w", p.bin.Path, by, err)
		}
	}
	return fmt.Errorf("%s: %w", p.bin.Path, err)
}

// abandon ends a process that did not come to serve, and says why it did not.
func (p *process) abandon(ctx context.Context, err error, timeout time.Duration) error {
	late := ctx.Err()
	endedItself := p.endsSoon() && !p.wasKilled()
	p.kill("it did not start")
	<-p.gone
	var known *startError
	switch {
	case errors.As(err, &known):
		return known
	case p.babbled:
		err = fmt.Errorf("the first line of its output is not go-plugin's handshake (%s)", p.lastWords())
	case errors.Is(late, context.DeadlineExceeded):
		err = fmt.Errorf("it was not ready within %s (%s)", timeout, p.lastWords())
	case late != nil:
		err = fmt.Errorf("its start was given up: %w", late)
	case endedItself:
		err = fmt.Errorf("it ended before it was ready (%s)", p.lastWords())
	default:
		err = fmt.Errorf("%w (%s)", err, p.lastWords())
	}
	return &startError{err: err}
}

func (p *process) newClient(startTimeout time.Duration) *plugin.Client {
	var r *processRunner
	stdout, stderr := &lineWriter{words: p.words}, &lineWriter{words: p.words}
	p.passedOn = []*lineWriter{stdout, stderr}
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  sdk.Handshake,
		Plugins:          plugin.PluginSet{sdk.PluginSetName: connPlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		// Nothing that it says is missing from what is said here.
		Logger:      hclog.NewNullLogger(),
		SkipHostEnv: true,
		// Ours ends first: go-plugin's own message says less.
		StartTimeout:     startTimeout + time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir},
		SyncStdout:       stdout,
		SyncStderr:       stderr,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			var err error
			r, err = p.newRunner(cmd.Env)
			return r, err
		},
		GRPCDialOptions: append(p.transport(),
			grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return r.dial(ctx, addr) }),
			grpc.WithDisableRetry(), // what may be made again is decided in call
			grpc.WithIdleTimeout(0),
			// A process has one connection; when it breaks, the process has ended.
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
				MinConnectTimeout: startTimeout,
			}),
		),
	})
}

// connect starts the process and returns its connection.
func (p *process) connect() (*grpc.ClientConn, error) {
	protocol, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(sdk.PluginSetName)
	if err != nil {
		return nil, err
	}
	return raw.(*grpc.ClientConn), nil // connPlugin's
}

// introduce asks the plugin who it is, and refuses it if it is not what its file
// name says.
func (p *process) introduce(ctx context.Context, schemas *schemaCache) error {
	info, err := pluginv1.NewPluginServiceClient(p.conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
	if err != nil {
		return fmt.Errorf("it does not say who it is: %w", err)
	}
	permanent := func(format string, args ...any) error {
		return &startError{permanent: true, err: fmt.Errorf(format, args...)}
	}
	if info.Kind != p.bin.Kind || info.Name != p.bin.Name {
		return permanent("%s says that it is the %s plugin %q: its file must be called botyard-%s-%s",
			p.bin.Path, info.Kind, info.Name, info.Kind, info.Name)
	}
	if !slices.ContainsFunc(info.Services, func(s string) bool { return slices.Contains(services[info.Kind], s) }) {
		return permanent("%s serves %q, and this host knows %q only", p.bin.Path, info.Services, services[info.Kind])
	}
	info.Version = p.words.said(info.Version, maxName)
	p.info = info
	if p.schema, err = schemas.compile(p.bin.Ref, info.ConfigSchema); err != nil {
		return permanent("%s: %w", p.bin.Path, err)
	}
	return nil
}

// dataDir is where processes of the plugin may keep files, those of one tenant apart
// from all others.
func (m *Manager) dataDir(r discovery.Ref, scope string) string {
	if m.opts.DataDir == "" {
		return ""
	}
	dir := filepath.Join(m.opts.DataDir, r.Kind+"-"+r.Name)
	if scope == "" {
		return filepath.Join(dir, "shared")
	}
	return filepath.Join(dir, "tenants", scope)
}

// allowedEnv looks up the variables that the operator lets the plugin have.
func allowedEnv(names []string) []string {
	env := []string{sdk.LifelineEnv + "=" + sdk.LifelineStdin}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
