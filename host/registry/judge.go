package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// Trial says how far settings are tried out when they are checked.
type Trial int

const (
	NoTrial   Trial = iota // settings are checked by the schemas alone
	DryTrial               // plugins check them too, but create nothing
	FullTrial              // each plugin applies them, and may create what it keeps its data in, such as a database
)

// trialOf returns DryTrial for a dry run, else FullTrial.
func trialOf(dry bool) Trial {
	if dry {
		return DryTrial
	}
	return FullTrial
}

// Check validates a tenant's settings. Its error is config.Problems if they are invalid. Any
// other error means that it is not known whether they are valid.
type Check func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error)

// A tenant has two documents: the operator's, which comes from a file or is registered, and
// its own. The own document never prevents a change by the operator, whether of the operator's
// document, a file, the policy or a plan. If the two contradict each other, the own document is
// held as a whole: the tenant is served by the operator's document alone until one of the two
// is corrected. A part of a document is never served.

// verdict is the result of checking a tenant's documents.
type verdict struct {
	effective *config.Effective // the configuration to serve; nil for none
	held      error             // why the own document is held; nil if it counts, or there is none
	// err is why nothing is served although the operator's document is valid by itself: a
	// plugin that the own document names is missing now. Without the own document, turns
	// would go to another storage until the plugin is back.
	err error
	// alone is the configuration of the operator's document without the own one; it is set only
	// if err is.
	alone *config.Effective
}

// assess checks a tenant's documents under the present base; see the function assess. It waits
// for a place in Options.Slots.
func (t *tenantTable) assess(ctx context.Context, id string, docs config.Documents, trial Trial) (verdict, error) {
	return t.assessUnder(ctx, t.base().check, id, docs, trial)
}

// assessUnder is assess with the given check instead of the present one.
func (t *tenantTable) assessUnder(ctx context.Context, check Check, id string, docs config.Documents, trial Trial) (v verdict, err error) {
	err = t.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		v, err = assess(ctx, check, id, docs, trial)
		return err
	})
	return v, err
}

// assess checks a tenant's documents. Its error says that the operator's document is invalid by
// itself, or that the check came to no result. Problems of the own document are in the verdict.
func assess(ctx context.Context, check Check, id string, docs config.Documents, trial Trial) (verdict, error) {
	e, err := check(ctx, id, docs, trial)
	if err == nil || docs.Own == nil {
		return verdict{effective: e}, err
	}
	if ctx.Err() != nil || !errors.As(err, new(config.Problems)) {
		return verdict{}, err
	}
	alone, wrong := check(ctx, id, config.Documents{Operator: docs.Operator}, trial)
	switch {
	case wrong != nil:
		return verdict{}, wrong
	case trial != NoTrial:
		// The own document failed its trial. All hosts have to serve the same, and they check
		// without a trial.
		return assess(ctx, check, id, docs, NoTrial)
	case isOfPlugins(err):
		return verdict{err: err, alone: alone}, nil
	}
	return verdict{effective: alone, held: err}, nil
}

// isOfPlugins reports whether all problems come from plugins that are missing now, and none
// from the settings.
func isOfPlugins(err error) bool {
	var problems config.Problems
	return errors.As(err, &problems) && len(problems.Unwrap()) == len(problems)
}

// accepted is a change of one of a tenant's documents that passed its check.
type accepted struct {
	docs config.Documents
	verdict
	literals []config.Path // where the operator's document has secrets as literal texts
}

// judge checks a change of one of a tenant's documents; see the function judge. It waits for a
// place in Options.Slots.
func (t *tenantTable) judge(ctx context.Context, id string, doc *config.Document, old config.Documents, was *config.Effective, o PutOptions) (out accepted, err error) {
	err = t.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		out, err = judge(ctx, t.base().check, id, doc, old, was, o)
		return err
	})
	return out, err
}

// judge checks a change: doc is the new document of o.Author, or a patch of it. It may refer
// to secrets of the document that it replaces. old are the documents before the change, and was
// is their effective configuration.
func judge(ctx context.Context, check Check, id string, doc *config.Document, old config.Documents, was *config.Effective, o PutOptions) (accepted, error) {
	out := accepted{docs: old}
	before, into := old.Operator, &out.docs.Operator
	if o.Author == tenantstore.Tenant {
		before, into = old.Own, &out.docs.Own
	}
	if o.Patch {
		var err error
		if doc, err = config.MergePatch(before, doc, secretsOf(o.Author, before, was)); err != nil {
			return accepted{}, err
		}
	}
	doc = config.RestoreSecrets(doc, before)
	*into = doc
	trial := trialOf(o.DryRun)
	if o.Author == tenantstore.Tenant {
		if err := checkOwnSize(doc); err != nil {
			return accepted{}, err
		}
		effective, err := check(ctx, id, out.docs, trial)
		if err != nil {
			return accepted{}, blame(ctx, check, id, old.Operator, err)
		}
		if err := config.CheckRestored(doc, was, effective); err != nil {
			return accepted{}, err
		}
		_, secrets := effective.TenantSecrets()
		// The stored document gets a file name of its own: a problem that is found later must not
		// name the body of this request.
		out.docs.Own = config.FromMap(tenantstore.OwnName, doc.Values()).MarkSecret(secrets.All())
		out.effective = effective
	} else {
		var err error
		if out.verdict, err = assess(ctx, check, id, out.docs, trial); err != nil {
			return accepted{}, err
		}
		if err := config.CheckRestored(doc, was, out.withOperators()); err != nil {
			return accepted{}, err
		}
	}
	secrets, _ := out.withOperators().TenantSecrets()
	out.literals = secrets.Literals
	if o.Author != tenantstore.Tenant {
		// The texts stay secret even if a later version of the plugin does not mark them.
		out.docs.Operator = doc.MarkSecret(secrets.Literals)
	}
	return out, nil
}

// withOperators returns a configuration that the operator's document is part of: effective or,
// if that is nil, alone.
func (v verdict) withOperators() *config.Effective {
	if v.effective != nil {
		return v.effective
	}
	return v.alone
}

// secretsOf returns the paths of the secrets in doc, which is the author's document. was is the
// effective configuration that doc was part of; it may be nil.
func secretsOf(author tenantstore.Author, doc *config.Document, was *config.Effective) []config.Path {
	marked := doc.Marked()
	if was == nil {
		return marked
	}
	operators, own := was.TenantSecrets()
	if author == tenantstore.Tenant {
		operators = own
	}
	return append(marked, operators.All()...)
}

// blame returns err. But if the operator's settings are invalid by themselves, it returns an
// error that says so, because the tenant cannot correct that.
func blame(ctx context.Context, check Check, id string, operators *config.Document, err error) error {
	if !errors.As(err, new(config.Problems)) || ctx.Err() != nil {
		return err
	}
	if _, wrong := check(ctx, id, config.Documents{Operator: operators}, NoTrial); wrong != nil && ctx.Err() == nil {
		f := fault.New(fault.Conflict, "the operator's settings of tenant %q are not valid now, and own settings cannot be checked before they are mended", id).At("tenant")
		f.Err = wrong
		return f
	}
	return err
}

// checkOwnSize refuses own settings that are larger than bounds.OwnDocumentBytes.
func checkOwnSize(doc *config.Document) error {
	n := counter(0)
	out := json.NewEncoder(&n)
	out.SetEscapeHTML(false)
	if err := out.Encode(doc.Values()); err != nil {
		return err
	}
	if size := int(n) - 1; size > bounds.OwnDocumentBytes {
		return fault.New(fault.Invalid, "the tenant's own settings would have %d bytes as compact JSON; at most %d are kept", size, bounds.OwnDocumentBytes)
	}
	return nil
}

// counter counts what is written.
type counter int

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)
