package instances

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
	"google.golang.org/grpc"
)

// Backend implements sdk.Backend for all kinds. It decodes a configuration into a C, opens an
// instance T with it, and stores the instance in Set.
type Backend[C, T any] struct {
	Set    Set[T]
	Schema []byte
	Open   func(ctx context.Context, cfg C, env sdk.Env) (T, error)
	// Services adds the kind's gRPC services, which call Set.Get.
	Services func(*grpc.Server, *Set[T])
	// Features are the features of the plugin, and Extras the interfaces of its kind's features. An
	// instance that lacks an interface of a feature is refused.
	Features []string
	Extras   []Extra
	// Needs returns the needs of a memory instance. It is nil for other kinds.
	Needs func(T) (*sdk.MemoryNeeds, error)
}

// New returns a Backend with the schema of C. It panics if C is not a valid configuration struct,
// because that is a mistake in the plugin's code which shows when the process starts.
func New[C, T any](open func(context.Context, C, sdk.Env) (T, error), services func(*grpc.Server, *Set[T])) *Backend[C, T] {
	s, err := schema.Of[C]()
	if err != nil {
		panic("botyard sdk: " + err.Error())
	}
	return &Backend[C, T]{Schema: s, Open: open, Services: services}
}

// As returns a function that opens an instance with open and returns it as a T, which I implements.
// Where open returns an error, the function returns no instance, so that a nil pointer is not taken
// for an instance.
func As[T, C, I any](open func(context.Context, C, sdk.Env) (I, error)) func(context.Context, C, sdk.Env) (T, error) {
	return func(ctx context.Context, cfg C, env sdk.Env) (T, error) {
		v, err := open(ctx, cfg, env)
		if err != nil {
			var none T
			return none, err
		}
		return any(v).(T), nil
	}
}

var _ sdk.Backend = (*Backend[struct{}, int])(nil)

// Register implements sdk.Backend.
func (b *Backend[C, T]) Register(server *grpc.Server) { b.Services(server, &b.Set) }

// Configure implements sdk.Backend.
func (b *Backend[C, T]) Configure(ctx context.Context, id string, config []byte, env sdk.Env) (sdk.Traits, error) {
	v, err := b.Set.Configure(ctx, id, func(ctx context.Context) (T, error) {
		cfg, err := b.decode(config, env)
		if err != nil {
			var none T
			return none, err
		}
		return b.Open(ctx, cfg, env)
	})
	var traits sdk.Traits
	if err != nil {
		return traits, err
	}
	if err := checkExtras(v, b.Features, b.Extras); err != nil {
		return traits, errors.Join(err, b.Release(id))
	}
	if l, ok := any(v).(sdk.Limited); ok {
		traits.Capacity = l.Capacity()
	}
	if d, ok := any(v).(sdk.LLMDescriber); ok {
		described := d.LLMTraits(ctx)
		traits.LLM = &described
	}
	if b.Needs != nil {
		traits.Memory, err = b.Needs(v)
	}
	return traits, err
}

// CheckConfig implements sdk.Backend.
func (b *Backend[C, T]) CheckConfig(config []byte, env sdk.Env) []*fault.Error {
	_, err := b.decode(config, env)
	return sdk.Problems(err)
}

// Check implements sdk.Backend.
func (b *Backend[C, T]) Check(ctx context.Context, id string) error {
	v, done, err := b.Set.Get(id)
	if err != nil {
		return err
	}
	defer done()
	if c, ok := any(v).(sdk.Checker); ok {
		return c.Check(ctx)
	}
	return fault.New(fault.Unsupported, "the plugin does not check its instances").By(fault.PartyPlugin)
}

// decode returns the configuration as a C. If C is a sdk.Validator, decode also calls Validate.
func (b *Backend[C, T]) decode(config []byte, env sdk.Env) (C, error) {
	var cfg C
	if err := schema.Decode(b.Schema, config, &cfg); err != nil {
		return cfg, err
	}
	if v, ok := any(&cfg).(sdk.Validator); ok {
		return cfg, v.Validate(env)
	}
	return cfg, nil
}

// Release implements sdk.Backend.
func (b *Backend[C, T]) Release(id string) error { return b.Set.Release(id) }

// Close implements sdk.Backend.
func (b *Backend[C, T]) Close() error { return b.Set.Close() }
