package config

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

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

	folder    string // where relative paths begin
	sources   []source
	environ   map[string]string
	sealer    *secret.Key
	open      func(path string, mode fs.FileMode) // told of secrets that all may read; nil for nobody
	hostMerge *baseMerge                          // the layers merged for the host's own keys

	plans    map[string]*plan
	policies map[string]*policy // by plan; "" is that of tenants without one
	egress   egress.Policy      // for what tenants' own layers name
	dialer   *egress.Dialer

	mu        sync.Mutex
	lastBase  *baseMerge            // the layers merged with plugins' schemas
	lastPlans map[string]*baseMerge // with a plan on top, by name
}

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
	s := h.mergeSources(context.Background(), nil)
	h.hostMerge = s.baseMerge()
	tree := h.hostMerge.tree
	h.Settings = readSettings(tree, h.folder)
	h.readPlans()
	h.readPolicies()
	problems = append(problems, s.hostProblems(tree)...)
	_, refused := h.tokens()
	problems = append(problems, refused...)
	problems = append(problems, h.hostMerge.metricsProblems()...)
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
func (h *Host) WithPositions(problems Problems) Problems {
	out := slices.Clone(problems)
	for i, p := range out {
		if p.Pos == (Pos{}) {
			out[i].Pos = h.hostMerge.provenance.nearest(p.Path).pos
		}
	}
	sorted, _ := out.err().(Problems)
	return sorted
}
