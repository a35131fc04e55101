package floor

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	echo "github.com/botyard/botyard/plugins/llm-echo"
	buffer "github.com/botyard/botyard/plugins/memory-buffer"
	memstore "github.com/botyard/botyard/plugins/storage-memory"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/hashicorp/go-hclog"
)

// Options are the settings of a floor.
type Options struct {
	Tokens      int // tokens of each reply
	MaxMessages int // how many messages of a conversation the model gets
	// Joined joins the tokens of a reply to pieces, as the server in a plugin's process does. If false,
	// each token is a piece.
	Joined bool
}

// host implements api.Host without plugin processes.
type host struct {
	config   *config.Host
	registry *registry.Registry
	manager  *plugins.Manager // has no plugins
}

var _ api.Host = (*host)(nil)

func (h *host) Settings() config.Settings    { return h.config.Settings }
func (h *host) Registry() *registry.Registry { return h.registry }
func (h *host) Plugins() *plugins.Manager    { return h.manager }

// open returns a host whose bots call the packages of the plugins directly.
func open(o Options) (*host, error) {
	model, err := echo.New(echo.Config{Tokens: o.Tokens})
	if err != nil {
		return nil, err
	}
	memory, err := buffer.New(buffer.Config{MaxMessages: o.MaxMessages})
	if err != nil {
		return nil, err
	}
	var direct llm.LLM = model
	if o.Joined {
		direct = joining{model}
	}
	store := memstore.New(memstore.Config{MaxBytes: 1 << 30})
	log := hclog.NewNullLogger()

	h := &host{}
	h.config, err = config.LoadHost(config.LoadOptions{Document: config.FromMap("floor", map[string]any{
		"limits": map[string]any{"concurrent_turns": 1024},
		"defaults": map[string]any{
			"llm":     map[string]any{"provider": echo.Name, "tokens": o.Tokens},
			"prompts": map[string]any{"system": "You are a support assistant."},
		},
	})})
	if err != nil {
		return nil, err
	}
	if h.manager, err = plugins.New(plugins.Options{Log: log}); err != nil {
		return nil, err
	}
	schemas, err := compile(echo.Plugin(), buffer.Plugin(), memstore.Plugin())
	if err != nil {
		return nil, err
	}
	leases := bot.NewLeases(log)
	h.registry, err = registry.New(registry.Options{
		TTL: time.Hour, Size: 1000,
		Check: func(ctx context.Context, id string, docs config.Documents, _ registry.Trial) (*config.Effective, error) {
			return h.config.Tenant(ctx, id, docs, schemas)
		},
		Build: func(_ context.Context, req registry.BuildRequest) (registry.Built, error) {
			e := req.Effective
			return registry.Built{Bot: bot.New(bot.Parts{
				Tenant: e.Tenant, Revision: e.Revision, Prompts: e.Prompts, Limits: e.Limits,
				LLM: direct, Memory: memory, Storage: store, Admission: req.Admission,
				Plugins: map[string]string{"llm": "echo", "memory": "buffer", "storage": "memory"},
				Hold:    func(holder string) func() { return leases.Hold("memory", store, holder) },
				Host:    "floor", Holder: "floor", Log: log,
			})}, nil
		},
	})
	return h, err
}

// schemas has the configuration schemas of the linked plugins. The key is kind and name.
type schemas map[[2]string]*config.Schema

var _ config.Schemas = schemas{}

// Schema implements config.Schemas.
func (s schemas) Schema(_ context.Context, kind, name string) (*config.Schema, error) {
	if found, ok := s[[2]string{kind, name}]; ok {
		return found, nil
	}
	return nil, &config.UnknownPluginError{Kind: kind, Name: name}
}

func compile(all ...sdk.Plugin) (schemas, error) {
	out := schemas{}
	var errs []error
	for _, p := range all {
		s, err := config.CompileSchema(p.Info.ConfigSchema)
		errs = append(errs, err)
		out[[2]string{p.Info.Kind, p.Info.Name}] = s
	}
	return out, errors.Join(errs...)
}
