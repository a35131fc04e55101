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

// LoadOptions name the host's layers.
type LoadOptions struct {
	// File is the host file; empty for none.
	File string
	// Document is the host file where a program has read it already. File then only says
	// where relative paths begin.
	Document *Document
	// Overlay is the overlay file; empty for none.
	Overlay string
	// Environ lists the environment variables in the form of os.Environ: those whose names begin
	// with BOTYARD__, and those that references name.
	Environ []string
	// Sealer makes the digests of literal secrets that enter revisions. Revisions are equal on
	// hosts with the same key. With nil a new key is made.
	Sealer *secret.Key
	// OpenToAll is called whenever a file with a secret is read that every user of the machine
	// may read. It may be nil. See [readfile.WorldReadable].
	OpenToAll func(path string, mode fs.FileMode)
	// Dialing says how names in tenants' own layers are looked up; nil for the system's way.
	Dialing []egress.Option
}

// Host is the configuration of a host: its own settings, and the layers that all tenants inherit.
// It may be used by any number of goroutines.
type Host struct {
	Settings Settings // not changed after LoadHost

	folder    string // where relative paths begin
	sources   []source
	environ   map[string]string
	sealer    *secret.Key
	open      func(path string, mode fs.FileMode) // LoadOptions.OpenToAll
	hostMerge *baseMerge                          // the merge without plugins' schemas, for the host's own keys

	plans    map[string]*plan
	policies map[string]*policy // by plan; "" for tenants without one
	egress   egress.Policy      // for the addresses in tenants' own layers
	dialer   *egress.Dialer

	mu        sync.Mutex
	lastBase  *baseMerge            // the last merge with plugins' schemas
	lastPlans map[string]*baseMerge // the last merge of each plan, by name
}

// LoadHost reads and merges the host's layers, lowest first: built-in defaults, host file,
// overlay file, environment. It checks the host's own keys, and those of the inherited keys that
// need no plugin. [Host.CheckDefaults] checks the others. Errors are [Problems], of all layers
// together.
func LoadHost(o LoadOptions) (*Host, error) {
	h := &Host{sealer: o.Sealer, environ: map[string]string{}, open: o.OpenToAll}
	if h.sealer == nil {
		h.sealer = secret.NewKey()
	}
	for _, entry := range o.Environ {
		name, value, ok := strings.Cut(entry, "=")
		if _, taken := h.environ[name]; ok && !taken { // the first of two equal names counts, as in package os
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

	// The host's own keys need no plugin's schema.
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

// SealWith sets the key for the digests of literal secrets. It is for a program that learns from
// the loaded files where the key is. Call it before the first tenant is merged.
func (h *Host) SealWith(key *secret.Key) { h.sealer = key }

// WithPositions returns the problems sorted, each with the position where the host's layers set
// its key, or the nearest key above. Paths are from the root of the host file. A problem that has
// a position keeps it.
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
