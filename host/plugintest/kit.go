package plugintest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/memorytest"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// kitRules returns the rules of the kit of the plugin's kind. Their names begin with the
// kind.
func (b *bench) kitRules() []rule {
	var out []rule
	add := func(name, doc, protocol string) {
		name = b.kind + "/" + name
		out = append(out, rule{name: name, doc: doc, protocol: protocol, section: sectionOf(name, protocol)})
	}
	switch b.kind {
	case "llm":
		for _, r := range llmtest.Rules() {
			rpc := llmService + ".Chat"
			if r.Name == "check" {
				rpc = checkRPC
			}
			if strings.HasPrefix(r.Name, "embed") {
				rpc = llmService + ".Embed"
			}
			add(r.Name, r.Doc, rpc)
		}
	case "memory":
		for _, r := range memorytest.Rules() {
			rpc := memoryService
			if r.Name == "check" {
				rpc = checkRPC
			}
			add(r.Name, r.Doc, rpc)
		}
	case "storage":
		for _, r := range storagetest.Rules() {
			service := storageService
			if strings.HasPrefix(r.Name, "tenant-") && r.Name != "tenant-incarnations" || strings.HasPrefix(r.Name, "watch") {
				service = "botyard.storage.v1.TenantStoreService"
			}
			if r.Name == "check" {
				service = checkRPC
			}
			add(r.Name, r.Doc, service)
		}
	}
	return out
}

// sections maps prefixes of the names of kit rules to the sections of docs/protocol.md that explain
// the rules. The first prefix that fits counts.
var sections = []struct{ rule, section string }{
	{"llm/unknown-fields", "unknown-fields"},
	{"llm/refuses-", "requests"},
	{"llm/overrides", "requests"},
	{"llm/can-", "traits"},
	{"llm/stream", "replies"},
	{"llm/parts", "replies"},
	{"llm/usage", "replies"},
	{"llm/classified", "errors"},
	{"llm/check", "checks"},
	{"memory/check", "checks"},
	{"storage/check", "checks"},
	{"memory/remember", "remembering"},
	{"memory/forget", "remembering"},
	{"storage/retract", "retractions"},
	{"storage/branch", "branches"},
	{"storage/cursor", "cursors"},
	{"storage/delete", "deletion-in-steps"},
	{"storage/empty-user", "deletion-in-steps"},
	{"storage/import", "import"},
}

// sectionOf returns the anchor of the section of docs/protocol.md for a rule of a kit. If sections has no
// prefix of the rule, it is the anchor of the service or the method in the reference, such as
// llmservicechat for botyard.llm.v1.LLMService.Chat.
func sectionOf(rule, protocol string) string {
	for _, s := range sections {
		if strings.HasPrefix(rule, s.rule) {
			return s.section
		}
	}
	names := strings.Split(protocol, ".")
	return strings.ToLower(strings.Join(names[3:], "")) // behind the package, such as botyard.llm.v1
}

// runKit runs the kit of the plugin's kind over the host's plugin manager.
func (b *bench) runKit(ctx context.Context, names []string, report func(Result)) error {
	b.endShared() // an exclusive plugin has one process
	byName := map[string]rule{}
	for _, r := range b.kitRules() {
		byName[r.name] = r
	}
	var only []string
	for _, name := range names {
		only = append(only, strings.TrimPrefix(name, b.kind+"/"))
	}
	ended := func(name string, err error) { report(byName[b.kind+"/"+name].result(err)) }
	var opened error // why the kit could not open an instance
	open := func(ctx context.Context) (*managed, error) {
		i, err := b.openManaged(ctx)
		if err != nil {
			opened = err
		}
		return i, err
	}
	switch b.kind {
	case "llm":
		info, err := b.info(ctx)
		b.endShared()
		if err != nil {
			return err
		}
		opts := []llmtest.Option{
			llmtest.Only(only...),
			llmtest.Report(func(r llmtest.Rule, _ time.Duration, err error) { ended(r.Name, skipOf(err, llmtest.ErrSkip)) }),
		}
		if slices.Contains(info.Features, feature.Overrides) {
			opts = append(opts, llmtest.Overrides())
		}
		_ = llmtest.Test(ctx, func(ctx context.Context) (llm.LLM, error) {
			i, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return i.llm(), nil
		}, opts...)
	case "memory":
		unused, err := b.recallIsUnused(ctx)
		if err != nil {
			return err
		}
		if unused {
			for _, name := range only {
				ended(name, errSkip)
			}
			return nil
		}
		_ = memorytest.Test(ctx, func(ctx context.Context) (memory.Memory, error) {
			i, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return closingMemory{i.Memory(), i}, nil
		}, memorytest.Only(only...), memorytest.Report(func(r memorytest.Rule, _ time.Duration, err error) { ended(r.Name, skipOf(err, memorytest.ErrSkip)) }))
	case "storage":
		info, err := b.info(ctx)
		b.endShared()
		if err != nil {
			return err
		}
		openStorage := func(ctx context.Context) (storage.Storage, error) {
			i, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return i.storage(), nil
		}
		opts := []storagetest.Option{
			storagetest.Short(), storagetest.Lease(time.Second), storagetest.Only(only...), storagetest.Features(info.Features...),
			storagetest.Report(func(r storagetest.Rule, _ time.Duration, err error) { ended(r.Name, skipOf(err, storagetest.ErrSkip)) }),
		}
		if !info.Exclusive {
			opts = append(opts, storagetest.Durable(), storagetest.Peers(openStorage, openStorage))
		}
		_ = storagetest.Test(ctx, openStorage, opts...)
	}
	return errors.Join(opened, ctx.Err())
}

// recallIsUnused reports whether the plugin is a memory without the method Recall, which says
// at its configuration that it is never to be called. The rules of the kit are about Recall.
func (b *bench) recallIsUnused(ctx context.Context) (bool, error) {
	p, err := b.running(ctx)
	if err != nil {
		return false, err
	}
	defer b.endShared()
	const id = "recall"
	resp, err := pluginv1.NewPluginServiceClient(p.conn).Configure(ctx, &pluginv1.ConfigureRequest{Instance: id, Config: b.config})
	if err != nil {
		return false, p.because(fmt.Errorf("it does not take the configuration: %w", err))
	}
	return !resp.GetMemoryNeeds().GetRecall() && status.Code(b.callInstance(ctx, p.conn, id)) == codes.Unimplemented, nil
}

// skipOf returns errSkip if err is the error of a kit's rule that does not apply.
func skipOf(err, skip error) error {
	if errors.Is(err, skip) {
		return errSkip
	}
	return err
}

// managed is an instance in a process of its own, under a plugin manager of its own.
type managed struct {
	*plugins.Instance
	m *plugins.Manager
}

// openManaged starts a process under a plugin manager and opens an instance. All processes
// of a run have the same data folder.
func (b *bench) openManaged(ctx context.Context) (*managed, error) {
	m, err := plugins.New(plugins.Options{Dirs: []string{filepath.Dir(b.path)}, RuntimeDir: b.dir, DataDir: filepath.Join(b.dir, "data")})
	if err != nil {
		return nil, err
	}
	i, err := m.Open(ctx, plugins.Spec{Kind: b.kind, Name: b.name, Tenant: "kit", Config: b.config})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the host does not open an instance: %w", err), (&managed{m: m}).Close())
	}
	return &managed{i, m}, nil
}

// Close ends the process.
func (i *managed) Close() error {
	if i.Instance != nil {
		i.Instance.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return i.m.Close(ctx)
}

type closingMemory struct {
	memory.Memory
	*managed
}

// Check implements sdk.Checker.
func (m closingMemory) Check(ctx context.Context) error { return m.managed.Check(ctx) }

// Close ends the process.
func (m closingMemory) Close() error { return m.managed.Close() }

// llm returns the LLM of the instance, which implements llm.Embedder if the plugin does.
func (i *managed) llm() llm.LLM {
	base := closingLLM{i.LLM(), i}
	if e, ok := base.LLM.(llm.Embedder); ok {
		return closingEmbedder{base, e}
	}
	return base
}

type closingLLM struct {
	llm.LLM
	i *managed
}

// LLMTraits implements sdk.LLMDescriber.
func (l closingLLM) LLMTraits(ctx context.Context) sdk.LLMTraits {
	if d, ok := l.LLM.(sdk.LLMDescriber); ok {
		return d.LLMTraits(ctx)
	}
	return sdk.LLMTraits{}
}

// Check implements sdk.Checker.
func (l closingLLM) Check(ctx context.Context) error { return l.i.Check(ctx) }

// Close ends the process.
func (l closingLLM) Close() error { return l.i.Close() }

type closingEmbedder struct {
	closingLLM
	llm.Embedder
}

// storage returns the storage of the instance, which implements the optional interfaces that
// the plugin does.
func (i *managed) storage() storage.Storage {
	base := closingStorage{i.Storage(), i}
	renewer, store, importer, migrator := i.Renewer(), i.TenantStore(), i.Importer(), i.Migrator()
	watcher, _ := store.(storage.TenantWatcher)
	switch {
	case renewer == nil:
		return base
	case importer == nil:
		return renewing{base, renewer}
	case store == nil || watcher == nil:
		return importing{renewing{base, renewer}, importer}
	case migrator == nil:
		return registering{importing{renewing{base, renewer}, importer}, store, watcher}
	}
	return migrating{registering{importing{renewing{base, renewer}, importer}, store, watcher}, migrator}
}

type closingStorage struct {
	storage.Storage
	i *managed
}

// Check implements sdk.Checker.
func (s closingStorage) Check(ctx context.Context) error { return s.i.Check(ctx) }

// Close ends the process.
func (s closingStorage) Close() error { return s.i.Close() }

// Branch implements storage.Brancher. The kit skips its rules if the plugin lacks the feature.
func (s closingStorage) Branch(ctx context.Context, req *storage.BranchRequest) (*storage.BranchResult, error) {
	if b := s.i.Brancher(); b != nil {
		return b.Branch(ctx, req)
	}
	return nil, fault.New(fault.Unsupported, "the plugin lacks the feature branch")
}

// Claim implements storage.CursorStore. The kit skips its rules if the plugin lacks the feature.
func (s closingStorage) Claim(ctx context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	if c := s.i.Cursors(); c != nil {
		return c.Claim(ctx, req)
	}
	return nil, fault.New(fault.Unsupported, "the plugin lacks the feature cursor")
}

// Advance implements storage.CursorStore.
func (s closingStorage) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	if c := s.i.Cursors(); c != nil {
		return c.Advance(ctx, req)
	}
	return fault.New(fault.Unsupported, "the plugin lacks the feature cursor")
}

type renewing struct {
	closingStorage
	storage.Renewer
}

type importing struct {
	renewing
	storage.Importer
}

type registering struct {
	importing
	storage.TenantStore
	storage.TenantWatcher
}

type migrating struct {
	registering
	storage.Migrator
}
