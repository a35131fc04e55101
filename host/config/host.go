package config

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/knadh/koanf/v2"

	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/egress"
)

// LoadOptions say what the host's layers are.
type LoadOptions struct {
	// File is the host file; empty means there is none.
	File string
	// Document stands for the host file where a program has it already; with
	// both, File only says where relative paths begin.
	Document *Document
	// Overlay is the environment's overlay file; empty means there is none.
	Overlay string
	// Environ is in the form of os.Environ: what BOTYARD__ variables and
	// references to variables see.
	Environ []string
	// Sealer makes the digests of literal secrets that enter revisions. Hosts
	// that are to agree on revisions need the same one. With nil, a key of this
	// process is used.
	Sealer *secret.Key
	// OpenToAll is told of each file with a secret that every user of the machine may
	// read, each time that it is read; nil for nobody. See [readfile.OpenToAll].
	OpenToAll func(path string, mode fs.FileMode)
	// Dialing is how the names are looked up that tenants' own layers lead to; nil is as the
	// system does it.
	Dialing []egress.Option
}

// Host is the configuration of a host: its own settings, and the layers that all
// tenants inherit. It may be used by any number of goroutines.
type Host struct {
	Settings Settings // not to be changed

	folder  string // where relative paths begin
	sources []source
	environ map[string]string
	sealer  *secret.Key
	open    func(path string, mode fs.FileMode) // told of secrets that all may read; nil for nobody
	own     *folded                             // the layers merged for the host's own keys

	plans    map[string]*plan
	policies map[string]*policy // by plan; "" is that of tenants without one
	egress   egress.Policy      // for what tenants' own layers name
	dialer   *egress.Dialer

	mu          sync.Mutex
	recent      *folded            // the layers merged with plugins' schemas
	recentPlans map[string]*folded // with a plan on top, by name
}

type source struct {
	layer layer
	doc   *Document
}

// folded is a merge of the host's layers, which tenants share; but for covered it
// is not changed once made.
type folded struct {
	tree    map[string]any
	places  *place
	root    Path    // of the tenant's keys
	under   *folded // what a plan is on top of; nil for the host's layers
	asked   answers
	covered sync.Map // the configurations of blocks that tenants inherit as they are, by key
}

// defaultsKey holds what tenants inherit.
const defaultsKey = "defaults"

// LoadHost reads and merges the host's layers, lowest first: built-in defaults,
// host file, overlay file, environment. It checks the host's own keys, and of
// what tenants inherit what needs no plugin; [Host.CheckDefaults] checks the rest.
// Errors are [Problems], of all layers together.
func LoadHost(o LoadOptions) (*Host, error) {
	h := &Host{sealer: o.Sealer, environ: map[string]string{}, open: o.OpenToAll}
	if h.sealer == nil {
		h.sealer = secret.NewKey()
	}
	for _, entry := range o.Environ {
		name, value, ok := strings.Cut(entry, "=")
		if _, taken := h.environ[name]; ok && !taken { // the first counts, as in the os package
			h.environ[name] = value
		}
	}
	if o.File != "" {
		h.folder = filepath.Dir(o.File)
	}
	var problems Problems
	add := func(l layer, doc *Document, err error) {
		if ps, ok := err.(Problems); ok {
			problems = append(problems, ps...)
			return
		}
		problems = append(problems, doc.problems...)
		h.sources = append(h.sources, source{l, doc})
	}
	add(builtIn, FromMap(builtIn.String(), builtInDefaults()), nil)
	switch {
	case o.Document != nil:
		add(hostFile, o.Document, nil)
	case o.File != "":
		doc, err := ReadFile(o.File)
		add(hostFile, doc, err)
	}
	if o.Overlay != "" {
		doc, err := ReadFile(o.Overlay)
		add(overlayFile, doc, err)
	}
	add(environmentVariables, environment(o.Environ), nil)

	// Without the plugins' schemas the tenants' part is not what tenants get, but
	// the host's own keys are what they are.
	s := h.fold(context.Background(), nil)
	h.own = s.folded()
	tree := h.own.tree
	h.Settings = readSettings(tree, h.folder)
	h.readPlans()
	h.readPolicies()
	problems = append(problems, s.hostProblems(tree)...)
	_, refused := h.tokens()
	problems = append(problems, refused...)
	problems = append(problems, h.own.metricsProblems()...)
	problems = append(problems, h.readEgress(o.Dialing...)...)
	problems = append(problems, h.planProblems()...)
	problems = append(problems, h.policyProblems()...)
	problems = append(problems, h.hostKeyProblems()...)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return h, nil
}

// SealWith has the digests of literal secrets made with the key from now on. It is
// for who learns from the files where the key is kept, before anything else is asked
// of the host.
func (h *Host) SealWith(key *secret.Key) { h.sealer = key }

// Place gives the problems the positions at which the host's layers set their keys, or
// the nearest key above, and sorts them. Their paths are from the root of the host file;
// those that have a position keep it.
func (h *Host) Place(problems Problems) Problems {
	out := slices.Clone(problems)
	for i, p := range out {
		if p.Pos == (Pos{}) {
			out[i].Pos = h.own.places.locate(p.Path).pos
		}
	}
	sorted, _ := out.err().(Problems)
	return sorted
}

func (h *Host) fold(ctx context.Context, schemas Schemas) *stack {
	s := newStack(ctx, schemas, Path{defaultsKey})
	s.places.set = &origin{pos: Pos{File: builtIn.String()}}
	for _, src := range h.sources {
		if src.layer == hostFile {
			s.places.set = &origin{pos: Pos{File: src.doc.name}, layer: hostFile}
		}
		s.load(src.layer, src.doc)
	}
	return s
}

func (s *stack) folded() *folded {
	return &folded{tree: s.values.Raw(), places: s.places, root: s.root, asked: s.asked}
}

// inherited gives the host's layers merged with the schemas as they are now. All
// tenants share the last merge until a schema changes.
func (h *Host) inherited(ctx context.Context, schemas Schemas) *folded {
	h.mu.Lock()
	recent := h.recent
	h.mu.Unlock()
	if recent != nil && recent.current(ctx, schemas) {
		return recent
	}
	f := h.fold(ctx, schemas).folded()
	h.mu.Lock()
	h.recent = f
	h.mu.Unlock()
	return f
}

func (f *folded) current(ctx context.Context, schemas Schemas) bool {
	for id, a := range f.asked {
		schema, err := schemas.Schema(ctx, id[0], id[1])
		// A plugin that is still unknown changes nothing. Any other error may be
		// gone the next time.
		same := err == nil && a.err == nil && schema == a.schema ||
			errors.Is(err, ErrUnknownPlugin) && errors.Is(a.err, ErrUnknownPlugin)
		if !same {
			return false
		}
	}
	return true
}

// tenantStack begins a tenant's stack with what it inherits.
func (base *folded) tenantStack(ctx context.Context, schemas Schemas) *stack {
	s := newStack(ctx, schemas, nil)
	if p := base.places.find(base.root); p != nil {
		s.places = p.inherited(base.root)
	}
	if s.places.set == nil {
		s.places.set = base.places.set
	}
	tree := base.tree
	for _, segment := range base.root {
		tree, _ = tree[segment].(map[string]any)
	}
	tree, _ = cloneValue(tree).(map[string]any)
	_ = s.values.Load(values(tree), nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		maps.Copy(dest, src)
		return nil
	}))
	for id, a := range base.asked {
		if a.err == nil { // else asked again: what is known may have changed
			s.asked[id] = a
		}
	}
	return s
}

// values is a koanf provider of a map.
type values map[string]any

// ReadBytes implements koanf.Provider.
func (v values) ReadBytes() ([]byte, error) { return content{}.ReadBytes() }

// Read implements koanf.Provider.
func (v values) Read() (map[string]any, error) { return v, nil }

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = cloneValue(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = cloneValue(item)
		}
		return out
	}
	return value
}
