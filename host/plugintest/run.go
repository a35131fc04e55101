package plugintest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options says what is tested.
type Options struct {
	// Binary is the path of the executable. Its name must be botyard-KIND-NAME.
	Binary string
	// Config is the plugin's configuration, a JSON object. Nil means an empty one.
	Config []byte
	// Only has the names of the rules to check. Nil means all.
	Only []string
	// Report is called with the result of each rule. It may be nil.
	Report func(Result)

	timeout time.Duration // bounds the check of a rule of processes; 0 means ruleTimeout
}

// Outcome says how the check of a rule ended.
type Outcome string

const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // the rule does not apply to the plugin
)

// Result is the outcome of one rule.
type Result struct {
	Rule string `json:"rule"`
	// Doc is what the rule asks for, in a sentence.
	Doc string `json:"doc"`
	// Protocol is the name of the service, the method or the field in the .proto files whose
	// comment asks for it.
	Protocol string `json:"protocol"`
	// Section is the section of docs/protocol.md that explains it, with the page:
	// docs/protocol.md#the-secret.
	Section string  `json:"section"`
	Outcome Outcome `json:"outcome"`
	// Problem says what is wrong, if the rule failed.
	Problem string `json:"problem,omitempty"`
}

// ErrUnknownRule is the error of Run if Options.Only names a rule that does not exist.
var ErrUnknownRule = errors.New("there is no such rule")

// ruleTimeout bounds the check of a rule of a process. It is long, because it only has to end a plugin
// that hangs.
const ruleTimeout = 5 * time.Minute

// fileName matches the file names of plugins.
var fileName = regexp.MustCompile(`^botyard-(llm|memory|storage)-([a-z0-9]+(?:[-_][a-z0-9]+)*)$`)

// bench is one run: the executable and what rules share.
type bench struct {
	path, kind, name string // path is that of a private copy of the executable
	config           []byte
	dir              string        // a private folder, removed at the end of the run
	timeout          time.Duration // bounds the check of a rule of processes
	shared           *process
}

// Run checks the rules one after the other and returns a result for each. It returns an
// error if it could not check the rules, and not if a rule failed. Problems has the failed
// ones.
func Run(ctx context.Context, o Options) (results []Result, err error) {
	b, err := newBench(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	chosen, kit, err := b.choose(o.Only)
	if err != nil {
		return nil, err
	}
	report := func(r Result) {
		results = append(results, r)
		if o.Report != nil {
			o.Report(r)
		}
	}
	for _, r := range chosen {
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		report(b.check(ctx, r))
	}
	if len(kit) > 0 {
		err = b.runKit(ctx, kit, report)
	}
	return results, err
}

// Problems returns the results of the failed rules.
func Problems(results []Result) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Outcome != Failed })
}

// newBench copies the executable into a private folder, where nobody else's file is.
func newBench(o Options) (*bench, error) {
	named := fileName.FindStringSubmatch(filepath.Base(o.Binary))
	if named == nil {
		return nil, fmt.Errorf("%s: the file must be called botyard-KIND-NAME, with llm, memory or storage as the kind", o.Binary)
	}
	b := &bench{kind: named[1], name: named[2], config: o.Config, timeout: cmp.Or(o.timeout, ruleTimeout)}
	if b.config == nil {
		b.config = []byte(`{}`)
	}
	// The path must be short, because the paths of sockets are.
	dir, err := os.MkdirTemp("", "pt")
	if err != nil {
		return nil, err
	}
	b.dir = dir
	if b.path, err = copyExecutable(o.Binary, filepath.Join(dir, "plugins")); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func copyExecutable(from, dir string) (path string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // it was only read
	path = filepath.Join(dir, filepath.Base(from))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return path, errors.Join(err, out.Close())
}

// close ends the shared process and removes the folder.
func (b *bench) close() error {
	b.endShared()
	return os.RemoveAll(b.dir)
}

// choose returns the rules of processes with these names, and the names of the rules of the
// kit. Nil names mean all rules.
func (b *bench) choose(names []string) (chosen []rule, kit []string, err error) {
	all := b.kitRules()
	if names == nil {
		for _, r := range all {
			kit = append(kit, r.name)
		}
		return rules, kit, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		switch {
		case i >= 0:
			chosen = append(chosen, rules[i])
		case slices.ContainsFunc(all, func(r rule) bool { return r.name == name }):
			kit = append(kit, name)
		default:
			var known []string
			for _, r := range append(slices.Clone(rules), all...) {
				known = append(known, r.name)
			}
			return nil, nil, fmt.Errorf("%w: %q; of a plugin of the kind %s are checked: %s", ErrUnknownRule, name, b.kind, strings.Join(known, ", "))
		}
	}
	return chosen, kit, nil
}

// check checks a rule of processes.
func (b *bench) check(ctx context.Context, r rule) Result {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	return r.result(r.check(ctx, b))
}
