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

// LoadOptions names the sources of the host's layers and sets how they are read.
type LoadOptions struct {
	// File is the path of the host file; empty for none.
	File string
	// Document is the parsed host file, if the program has already read it. LoadHost then uses
	// File only to resolve relative paths.
	Document *Document
	// Overlay is the path of the overlay file; empty for none.
	Overlay string
	// Environ lists environment variables in the form of os.Environ. The host uses those whose
	// names begin with BOTYARD__, and those that references name.
	Environ []string
	// Sealer is the key for the digests of literal secrets in revisions. Hosts with equal keys
	// compute equal revisions. If Sealer is nil, LoadHost creates a random key.
	Sealer *secret.Key
	// OpenToAll is called each time that the host reads a secret from a file that every user of
	// the machine may read. It may be nil. See [readfile.WorldReadable].
	OpenToAll func(path string, mode fs.FileMode)
	// Dialing sets how names in tenants' own settings are looked up. If it is nil, the system's
	// resolver looks names up.
	Dialing []egress.Option
}

// Host is the configuration of a host: the host's own settings, and the layers that all tenants
// inherit. It is safe for concurrent use.
type Host struct {
	Settings Settings // immutable after LoadHost

	folder    string // base of relative paths
	sources   []source
	environ   map[string]string
	sealer    *secret.Key
	open      func(path string, mode fs.FileMode) // the value of LoadOptions.OpenToAll
	hostMerge *baseMerge                          // merge of the host's layers without plugins' schemas, for the host's own keys

	plans    map[string]*plan
	policies map[string]*policy // by name of a plan; "" for tenants without a plan
	egress   egress.Policy      // policy for the addresses in tenants' own settings
	dialer   *egress.Dialer

	mu        sync.Mutex
	lastBase  *baseMerge            // last merge of the host's layers with plugins' schemas
	lastPlans map[string]*baseMerge // last merge of each plan, by name of the plan
}

// LoadHost reads and merges the host's layers. From lowest to highest, the layers are the
// built-in defaults, the host file, the overlay file and the environment. LoadHost checks the
// host's own keys, and the inherited keys that it can check without a plugin's schema.
// [Host.CheckDefaults] checks all other inherited keys. An error is [Problems] and contains the
// problems of all layers.
func LoadHost(o LoadOptions) (*Host, error) {
	h := &Host{sealer: o.Sealer, environ: map[string]string{}, open: o.OpenToAll}
	if h.sealer == nil {
		h.sealer = secret.NewKey()
	}
	for _, entry := range o.Environ {
		name, value, ok := strings.Cut(entry, "=")
		if _, taken := h.environ[name]; ok && !taken { // as in package os, the first of two equal names is used
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

	// The host's own keys can be checked without a plugin's schema.
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

// SealWith sets the key for the digests of literal secrets. It is for programs that learn where
// the key is from the loaded files. The program calls SealWith before it merges the first tenant.
func (h *Host) SealWith(key *secret.Key) { h.sealer = key }

// WithPositions returns the problems in sorted order, each with a position. A problem without a
// position gets the position where the host's layers set its key, or the nearest key above. The
// paths of such problems begin at the root of the host file.
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
