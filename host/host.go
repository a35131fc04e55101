package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
)

// Options are what a program sets when it opens a host. The zero value is a host
// without configuration files, whose tenants bring all their settings.
type Options struct {
	ConfigFile string         // host file, HCL, YAML or JSON
	Config     map[string]any // stands for a host file, when ConfigFile is empty
	Overlay    string         // file laid over the host file
	Environ    []string       // in os.Environ's form: BOTYARD__ variables and what env references see; nil is none

	// These stand for the host file's keys, if set.
	Listen     string
	PluginDirs []string
	TenantDirs []string

	// Preflight says for what the program refuses settings that the host would take, such
	// as an address that it will not listen on: problems with the paths of the keys. Nil
	// refuses nothing. It writes nothing.
	Preflight func(config.Settings) config.Problems

	// RetainEvery is the time between two looks for conversations that are older than
	// their tenant keeps them; 0 is an hour.
	RetainEvery time.Duration

	Log hclog.Logger // nil: nothing is logged
	// DroppedLogLines is how many lines of Log were lost on their way, for the metrics;
	// may be nil.
	DroppedLogLines func() int64

	dialing   []egress.Option                     // how names are looked up, in tests
	openToAll func(path string, mode fs.FileMode) // told of files with secrets that all may read; set by Open
}

// Host serves bots. It is used concurrently.
type Host struct {
	options         Options
	opened          *config.Host                    // the files as they were at the start
	key             *secret.Key                     // the host's own; nil for one that keeps nothing
	config          atomic.Pointer[config.Host]     // replaced by Reload
	settings        atomic.Pointer[config.Settings] // that the host runs with; replaced by Reload
	tenants         *tenantdir.Follower
	registryStorage *registryStorage // what the tenant store is kept in; nil for none
	follow          sync.WaitGroup
	stop            context.CancelFunc
	unfollow        context.CancelFunc // ends the following of the tenant store
	reload          chan struct{}      // holds one while a reload is at work
	manager         *plugins.Manager
	registry        *registry.Registry
	leases          *bot.Leases
	orphans         bot.OrphanCap
	heldBytes       *bot.HeldBytes
	archive         *archive.Archive
	metrics         *metrics.Metrics // nil for none
	unretain        context.CancelFunc
	name            string // of the machine, for turn records
	holder          string // this run
	log             hclog.Logger
}

// Open starts a host. A tenant file that is bad is logged, listed and not served;
// a bad host file is an error, config.Problems. Close the host.
func Open(ctx context.Context, o Options) (*Host, error) {
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
	h := &Host{heldBytes: bot.NewHeldBytes(), options: o, opened: cfg, key: key, log: o.Log, reload: make(chan struct{}, 1)}
	settings := o.over(cfg.Settings)
	h.config.Store(cfg)
	h.settings.Store(&settings)
	if h.name, err = os.Hostname(); err != nil {
		h.name = "unknown"
	}
	h.holder = fmt.Sprintf("%s-%d-%s", h.name, os.Getpid(), rand.Text())
	h.leases = bot.NewLeases(o.Log)
	dataDir := ""
	if key != nil {
		if dataDir, err = filepath.Abs(PluginData(settings)); err != nil {
			return nil, err
		}
	}
	var tenants atomic.Pointer[registry.Registry]
	h.manager, err = plugins.New(plugins.Options{
		Dirs: settings.PluginDirs, Owners: o.Owners(), Log: o.Log.Named("plugins"), DataDir: dataDir,
		Settings: func(kind, name string) config.PluginSettings {
			settings := h.config.Load().Settings
			return settings.Plugin(kind, name)
		},
		Wanted: h.wanted(&tenants),
	})
	if err != nil {
		return nil, err
	}
	changes := h.manager.Changes() // before any tenant is judged
	judging := slots.NewPaced(bounds.JudgedAtOnce, bounds.JudgedAtOnceEach, slots.NewPace(bounds.JudgingCredit, bounds.JudgingParts))
	registrations, err := h.openTenantStore(ctx, cfg, key, judging)
	if err != nil {
		return nil, errors.Join(err, cfg.CheckDefaults(ctx, h.manager), h.manager.Close(ctx))
	}
	h.registry, err = registry.New(registry.Options{
		TTL: settings.Registry.CacheTTL, Size: settings.Registry.MaxCacheSize,
		Check: h.checkWith(cfg), Build: h.build, Missing: h.missing, Store: registrations,
		Fingerprint: func(docs config.Documents) string { return h.config.Load().Fingerprint(docs) },
		Storage:     func(e *config.Effective) config.SealedBlock { return h.config.Load().SealBlock(e.Tenant, e.Storage) },
		Slots:       judging,
	})
	if err != nil {
		return nil, errors.Join(err, h.manager.Close(ctx))
	}
	tenants.Store(h.registry)
	if h.metrics, err = h.newMetrics(settings.Metrics, registrations); err != nil { // before a bot is built
		return nil, errors.Join(err, h.Close(ctx))
	}
	h.archive = h.newArchive()
	h.followTenantStore(ctx, registrations)
	if err := cfg.CheckDefaults(ctx, h.manager); err != nil {
		return nil, errors.Join(err, h.Close(ctx))
	}
	if err := h.followTenants(ctx, key, changes); err != nil {
		return nil, errors.Join(err, h.Close(ctx))
	}
	h.warn(Warnings(o, cfg, h.manager))
	h.retain()
	return h, nil
}

// over puts what the program set over the file's settings.
func (o Options) over(s config.Settings) config.Settings {
	if o.Listen != "" {
		s.Listen = o.Listen
	}
	if o.PluginDirs != nil {
		s.PluginDirs = o.PluginDirs
	}
	if o.TenantDirs != nil {
		s.TenantDirs = o.TenantDirs
	}
	return s
}

// checkWith validates tenants under a configuration.
func (h *Host) checkWith(cfg *config.Host) registry.Check {
	return func(ctx context.Context, id string, docs config.Documents, trial registry.Trial) (*config.Effective, error) {
		settings := cfg.Settings
		e, err := cfg.Tenant(ctx, id, docs, h.manager.Under(settings.Plugin))
		if err != nil || trial == registry.NoTrial {
			return e, err
		}
		dry := trial == registry.DryTrial || !h.registry.MayTry(id, cfg.SealBlock(id, e.Storage))
		// Plugins are waited for, and others judged meanwhile.
		if err := slots.Away(ctx, func() error { return Probe(ctx, h.manager, cfg, e, dry, h.log) }); err != nil {
			return nil, err
		}
		return e, nil
	}
}

// load reads the configuration and the host's key, which is made if there is none. The
// key is nil for a host with neither a file nor a data_dir, which keeps nothing.
func load(o Options) (*config.Host, *secret.Key, error) {
	cfg, err := readFiles(o, nil)
	if err != nil {
		return nil, nil, err
	}
	if wrong := Preflight(o, cfg); len(wrong) > 0 { // before anything is made
		return nil, nil, wrong
	}
	if !o.keeps() {
		return cfg, nil, nil
	}
	if err := os.MkdirAll(cfg.Settings.DataDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data_dir: %w", err)
	}
	key, wrong := findKey(o, cfg)
	if len(wrong) > 0 {
		return nil, nil, wrong
	}
	if key == nil {
		if key, err = secret.LoadOrCreateKey(keyFile(cfg.Settings)); err != nil {
			return nil, nil, err
		}
	}
	if err := keepDigest(cfg.Settings, key); err != nil {
		return nil, nil, fmt.Errorf("data_dir: %w", err)
	}
	cfg.SealWith(key)
	return cfg, key, nil
}

// openToAllMost bounds the files that are warned of.
const openToAllMost = 100

// warnOnce warns of each file with a secret once, of so many at most.
func warnOnce(log hclog.Logger) func(path string, mode fs.FileMode) {
	var mu sync.Mutex
	told := map[string]bool{}
	return func(path string, mode fs.FileMode) {
		mu.Lock()
		defer mu.Unlock()
		if told[path] || len(told) >= openToAllMost {
			return
		}
		told[path] = true
		log.Warn("every user of this machine may read a file with a secret; chmod 600 it", "file", path, "mode", fmt.Sprintf("%04o", mode))
	}
}

// readFiles reads the configuration and changes nothing. Without a key revisions are
// of this reading alone.
func readFiles(o Options, key *secret.Key) (*config.Host, error) {
	opts := config.LoadOptions{File: o.ConfigFile, Overlay: o.Overlay, Environ: o.Environ, Sealer: key, OpenToAll: o.openToAll, Dialing: o.dialing}
	if o.ConfigFile == "" && o.Config != nil {
		opts.Document = config.FromMap("host configuration", o.Config)
	}
	return config.LoadHost(opts)
}

// keeps reports whether the host has a folder for what it keeps.
func (o Options) keeps() bool { return o.ConfigFile != "" || o.Config["data_dir"] != nil }

// PluginData is the folder below which plugins keep files.
func PluginData(s config.Settings) string { return filepath.Join(s.DataDir, "plugins") }

// Registry is the host's. It lives as long as the host.
func (h *Host) Registry() *registry.Registry { return h.registry }

// Plugins is the host's. It lives as long as the host.
func (h *Host) Plugins() *plugins.Manager { return h.manager }

// Settings are the host's own keys as they count now, with Options over them: a reload
// changes those of which config.HostKeys says so. What is returned is not changed.
func (h *Host) Settings() config.Settings { return *h.settings.Load() }

// Tokens are what opens the host's API where auth.mode says that something does,
// read anew with each call.
func (h *Host) Tokens() (config.Tokens, error) { return h.config.Load().Tokens() }

// Register adds a tenant, or replaces its settings: the keys of a tenant file.
// Errors are config.Problems or of package fault, and change nothing.
func (h *Host) Register(ctx context.Context, tenant string, settings map[string]any) error {
	_, err := h.registry.Put(ctx, tenant, config.FromMap(tenant, settings), registry.PutOptions{})
	return err
}

// Bot returns the tenant's bot; see registry.Acquire. The caller releases it.
func (h *Host) Bot(ctx context.Context, tenant string, options ...registry.GetOption) (*registry.Lease, error) {
	return h.registry.Acquire(ctx, tenant, options...)
}

// Close waits, until ctx ends, for turns at work, then ends the plugins. Nothing of
// the host is left when it returns: no goroutine, process or socket.
func (h *Host) Close(ctx context.Context) error {
	if h.stop != nil {
		h.stop()
	}
	if h.unfollow != nil {
		h.unfollow()
	}
	if h.unretain != nil {
		h.unretain()
	}
	h.follow.Wait()
	if h.registryStorage != nil {
		defer h.registryStorage.close()
	}
	turns := h.registry.Close(ctx)
	h.leases.Close()
	// Plugins must end even when there was no time left for the turns.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pluginsEnd)
	defer cancel()
	return errors.Join(turns, h.manager.Close(end))
}

// pluginsEnd is how long plugins have to end in order before they are killed.
const pluginsEnd = 5 * time.Second
