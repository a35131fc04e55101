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
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/hashicorp/go-hclog"
)

// Host serves bots. It is used concurrently.
type Host struct {
	options  Options
	opened   *config.Host                    // the files as they were when the host opened
	key      *secret.Key                     // nil for a host that keeps nothing
	config   atomic.Pointer[config.Host]     // the files that apply now; replaced by Reload
	settings atomic.Pointer[config.Settings] // the host's own keys that apply now; replaced by Reload
	reload   chan struct{}                   // has one element while a Reload runs
	name     string                          // the machine's name, for the turns' records
	holder   string                          // names this run of the host in leases
	log      hclog.Logger

	// The parts that the host owns. Close closes them; see there for the order.
	manager         *plugins.Manager
	registryStorage *registryStorage // keeps the tenant store; nil if the store is in memory
	registry        *registry.Registry
	leases          *bot.Leases
	archive         *archive.Archive
	tenants         *tenantdir.Follower
	metrics         *metrics.Metrics // nil if they are off

	// The turns of all tenants share these bounds.
	orphans   bot.OrphanCap
	heldBytes *bot.HeldBytes

	// The host's own goroutines run until background ends.
	background    context.Context
	endBackground context.CancelFunc
	goroutines    sync.WaitGroup
}

// Open starts a host. The caller closes it. ctx bounds the start only.
//
// If the host file is bad, the error is config.Problems, and nothing has been started or
// written. A tenant file that is bad is logged and listed, and its tenant is not served.
// The package's comment has the order of the start.
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
	return h, nil
}

// newHost returns a host that has not started anything.
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

// start starts the host's parts, each after those that it needs. If it fails, the caller
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
	// The plugins ask the registry, which is opened after them.
	var opened atomic.Pointer[registry.Registry]
	var err error
	h.manager, err = plugins.New(plugins.Options{
		Dirs: settings.PluginDirs, Owners: h.options.Owners(), Log: h.log.Named("plugins"), DataDir: dataDir,
		Settings: func(kind, name string) config.PluginSettings {
			settings := h.config.Load().Settings
			return settings.Plugin(kind, name)
		},
		Wanted: h.currentConfig(&opened),
	})
	if err != nil {
		return err
	}
	changes := h.manager.Changes() // from now on, so that none is missed while tenants are checked
	judging := fairshare.NewPacedSlots(bounds.JudgedAtOnce, bounds.JudgedAtOnceEach, fairshare.NewPace(bounds.JudgingCredit, bounds.JudgingParts))
	store, err := h.openTenantStore(ctx, cfg, h.key, judging)
	if err != nil {
		return errors.Join(err, cfg.CheckDefaults(ctx, h.manager))
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
	// Before any bot is built, since each bot is given the metrics.
	if h.metrics, err = h.newMetrics(settings.Metrics, store); err != nil {
		return err
	}
	h.archive = h.newArchive()
	h.followTenantStore(ctx, store)
	if err := cfg.CheckDefaults(ctx, h.manager); err != nil {
		return err
	}
	return h.followTenants(ctx, changes)
}

// startBackground runs f in a goroutine of the host. f gets the host's background context,
// and must return when that ends.
func (h *Host) startBackground(f func(ctx context.Context)) {
	h.goroutines.Go(func() { f(h.background) })
}

// Registry returns the host's registry. It works until the host is closed.
func (h *Host) Registry() *registry.Registry { return h.registry }

// Plugins returns the host's plugins. They work until the host is closed.
func (h *Host) Plugins() *plugins.Manager { return h.manager }

// Settings returns the host's own keys as they apply now. A value that Options sets replaces
// the file's. A reload changes the keys that apply at a reload; see config.HostKeys. The
// returned value does not change.
func (h *Host) Settings() config.Settings { return *h.settings.Load() }

// Tokens returns the tokens that the host's API accepts, if auth.mode requires any. Each call
// reads them again.
func (h *Host) Tokens() (config.Tokens, error) { return h.config.Load().Tokens() }

// Register adds a tenant or replaces its settings. The settings have the keys of a tenant
// file. The error is config.Problems or a *fault.Error. After an error nothing has changed.
func (h *Host) Register(ctx context.Context, tenant string, settings map[string]any) error {
	_, err := h.registry.Put(ctx, tenant, config.FromMap(tenant, settings), registry.PutOptions{})
	return err
}

// Bot returns the tenant's bot; see registry.Acquire. The caller releases it.
func (h *Host) Bot(ctx context.Context, tenant string, options ...registry.GetOption) (*registry.Lease, error) {
	return h.registry.Acquire(ctx, tenant, options...)
}

// pluginsCloseTimeout is how long plugins have to end by themselves before they are killed.
const pluginsCloseTimeout = 5 * time.Second

// Close waits, until ctx ends, for the turns that run, and then ends the plugins, also if
// turns still run. When it returns, no goroutine, process or socket of the host is left. It
// is called once. The package's comment has the order.
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
	// The plugins need time of their own: the turns may have used up ctx's.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pluginsCloseTimeout)
	defer cancel()
	return errors.Join(turns, h.manager.Close(end))
}
