package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/follow"
	"github.com/botyard/botyard/host/loglimit"
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/hashicorp/go-hclog"
)

// Host serves bots. It is safe for concurrent use.
type Host struct {
	options  Options
	opened   *config.Host                    // the files as they were when the host opened
	key      *secret.Key                     // nil if the host stores nothing
	config   atomic.Pointer[config.Host]     // the files that apply now; Reload replaces them
	settings atomic.Pointer[config.Settings] // the host's own keys that apply now; Reload replaces them
	reload   chan struct{}                   // semaphore of one element; Reload holds it
	name     string                          // the machine's name, for the records of turns
	holder   string                          // identifies this run of the host in leases
	log      hclog.Logger

	// The host owns the parts below. Close closes them in the order that the package comment
	// gives.
	manager         *plugins.Manager
	registryStorage *registryStorage // storage of the tenant store; nil if the tenant store is in memory
	registry        *registry.Registry
	leases          *bot.Leases
	archive         *archive.Archive
	follower        *follow.Follower
	tenants         *tenantdir.Follower
	metrics         *metrics.Metrics // nil if metrics are disabled

	// These bounds are shared by the turns of all tenants.
	orphans   bot.OrphanCap
	heldBytes *bot.HeldBytes

	unreadable loglimit.Limiter // of the lines about secrets that cannot be read, by tenant and block

	// The goroutines of the host run until the context background ends.
	background    context.Context
	endBackground context.CancelFunc
	goroutines    sync.WaitGroup
}

// Open starts a host. The caller closes the host. ctx bounds only the start.
//
// If the host file is invalid, the error is config.Problems, and Open has neither started nor
// written anything. An invalid tenant file does not stop Open: the host logs and lists the
// problems, and does not serve the tenant. The package comment describes the order of the start.
func Open(ctx context.Context, o Options) (_ *Host, err error) {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	o.openToAll = warnOnce(o.Log)
	cfg, key, err := load(o)
	if err != nil {
		return nil, err
	}
	if file := cfg.Settings.TLS.KeyFile; file != "" {
		if mode, open := readfile.WorldReadable(ctx, file); open {
			o.openToAll(file, mode)
		}
	}
	h, err := newHost(o, cfg, key)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close(ctx))
		}
	}()
	if err := h.start(ctx, cfg); err != nil {
		return nil, err
	}
	h.logWarnings(Warnings(o, cfg, h.manager))
	h.startBackground(h.archive.Run)
	h.startBackground(h.follower.Run)
	return h, nil
}

// newHost returns a host whose parts are not started yet.
func newHost(o Options, cfg *config.Host, key *secret.Key) (*Host, error) {
	h := &Host{heldBytes: bot.NewHeldBytes(), options: o, opened: cfg, key: key, log: o.Log, reload: make(chan struct{}, 1)}
	settings := o.over(cfg.Settings)
	h.config.Store(cfg)
	h.settings.Store(&settings)
	var err error
	if h.name, err = os.Hostname(); err != nil {
		h.name = "unknown"
	}
	h.holder = fmt.Sprintf("%s-%d-%s", h.name, os.Getpid(), rand.Text())
	h.leases = bot.NewLeases(o.Log)
	h.background, h.endBackground = context.WithCancel(context.Background())
	return h, nil
}

// start starts the parts of the host in order of their dependencies. If it fails, the caller
// closes the host.
func (h *Host) start(ctx context.Context, cfg *config.Host) error {
	settings := h.Settings()
	dataDir := ""
	if h.key != nil {
		var err error
		if dataDir, err = filepath.Abs(PluginData(settings)); err != nil {
			return err
		}
	}
	// The plugin manager asks the registry for configurations, but the registry opens later.
	var opened atomic.Pointer[registry.Registry]
	var err error
	h.manager, err = plugins.New(plugins.Options{
		Dirs: settings.PluginDirs, Owners: h.options.Owners(), Log: h.log.Named("plugins"), DataDir: dataDir, HostVersion: buildVersion(),
		Settings: func(kind, name string) config.PluginSettings {
			settings := h.config.Load().Settings
			return settings.Plugin(kind, name)
		},
		Wanted: h.currentConfig(&opened),
	})
	if err != nil {
		return err
	}
	h.follower = h.newFollower()
	changes := h.manager.Changes() // subscribe before tenants are checked, so that no change is missed
	judging := fairshare.NewPacedSlots(bounds.JudgedAtOnce, bounds.JudgedAtOnceEach, fairshare.NewPace(bounds.JudgingCredit, bounds.JudgingParts))
	store, err := h.openTenantStore(ctx, cfg, h.key, judging)
	if err != nil {
		return errors.Join(err, cfg.CheckDefaults(ctx, h.manager, AskPlugins(h.manager)))
	}
	h.registry, err = registry.New(registry.Options{
		TTL: settings.Registry.CacheTTL, Size: settings.Registry.MaxCacheSize,
		Check: h.checkWith(cfg), Build: h.buildBot, Missing: h.missingSecret, Store: store,
		Fingerprint: func(docs config.Documents) string { return h.config.Load().Fingerprint(docs) },
		Storage:     func(e *config.Effective) config.SealedBlock { return h.config.Load().SealBlock(e.Tenant, e.Storage) },
		Slots:       judging,
	})
	if err != nil {
		return err
	}
	opened.Store(h.registry)
	// The metrics come before the registry builds bots, because each bot gets the metrics.
	if h.metrics, err = h.newMetrics(settings.Metrics, store); err != nil {
		return err
	}
	h.archive = h.newArchive()
	h.followTenantStore(ctx, store)
	if err := cfg.CheckDefaults(ctx, h.manager, AskPlugins(h.manager)); err != nil {
		return err
	}
	return h.followTenants(ctx, changes)
}

// startBackground runs f in a goroutine of the host. f gets the background context of the host
// and must return when that context ends.
func (h *Host) startBackground(f func(ctx context.Context)) {
	h.goroutines.Go(func() { f(h.background) })
}

// Registry returns the registry of the host. It works until the host is closed.
func (h *Host) Registry() *registry.Registry { return h.registry }

// Plugins returns the plugin manager of the host. It works until the host is closed.
func (h *Host) Plugins() *plugins.Manager { return h.manager }

// Settings returns the host's own keys as they apply now. A value that Options sets replaces the
// value of the files. A reload changes the keys that config.HostKeys lists as applying at a
// reload. The returned copy does not change.
func (h *Host) Settings() config.Settings { return *h.settings.Load() }

// Tokens returns the tokens that the API accepts, if auth.mode requires tokens. Each call reads
// them again.
func (h *Host) Tokens() (config.Tokens, error) { return h.config.Load().Tokens() }

// Register adds a tenant, or replaces the settings of an existing tenant. The settings have the
// keys of a tenant file. The error is config.Problems or a *fault.Error. After an error nothing
// has changed.
func (h *Host) Register(ctx context.Context, tenant string, settings map[string]any) error {
	_, err := h.registry.Put(ctx, tenant, config.FromMap(tenant, settings), registry.PutOptions{})
	return err
}

// Bot returns a lease on the tenant's bot, as registry.Acquire does. The caller releases the
// lease.
func (h *Host) Bot(ctx context.Context, tenant string, options ...registry.GetOption) (*registry.Lease, error) {
	return h.registry.Acquire(ctx, tenant, options...)
}

// pluginsCloseTimeout is how long plugins may take to exit before the host kills them.
const pluginsCloseTimeout = 5 * time.Second

// Close waits for the running turns, but at most until ctx ends, and then stops the plugins. When
// Close returns, no goroutine, process or socket of the host is left. The caller calls Close
// once. The package comment describes the order.
func (h *Host) Close(ctx context.Context) error {
	h.endBackground()
	h.goroutines.Wait()
	if h.registryStorage != nil {
		defer h.registryStorage.close()
	}
	var turns error
	if h.registry != nil {
		turns = h.registry.Close(ctx)
	}
	h.leases.Close()
	if h.manager == nil {
		return turns
	}
	// The plugins get a timeout of their own, because ctx may already have ended while turns ran.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pluginsCloseTimeout)
	defer cancel()
	return errors.Join(turns, h.manager.Close(end))
}
