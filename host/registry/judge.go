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

// Trial says how thoroughly settings are tried out when they are checked.
type Trial int

const (
	NoTrial   Trial = iota // only the schemas check the settings
	DryTrial               // plugins check the settings too, but create nothing
	FullTrial              // each plugin applies the settings, and may create what it stores its data in, such as a database
)

// trialOf returns DryTrial if dry is true, and FullTrial otherwise.
func trialOf(dry bool) Trial {
	if dry {
		return DryTrial
	}
	return FullTrial
}

// Check validates a tenant's settings. Its error is config.Problems if the settings are
// invalid. Any other error means that Check could not find out whether the settings are valid.
type Check func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error)

// A tenant has two documents: the operator's document, which comes from a file or is
// registered, and the tenant's own document. The own document never prevents a change that the
// operator makes to the operator's document, a file, the policy or a plan. If the two documents
// contradict each other, the whole own document is held. The tenant is then served by the
// operator's document alone, until one of the documents is corrected. A part of a document is
// never served.

// verdict is the result of checking a tenant's documents.
type verdict struct {
	effective *config.Effective // configuration to serve; nil for none
	held      error             // why the own document is held; nil if it is not held, or there is none
	// err is why nothing is served although the operator's document alone is valid. The reason
	// is that a plugin that the own document names is missing now. If the operator's document
	// were served alone, turns would go to another storage until the plugin is back.
	err error
	// alone is the configuration of the operator's document without the own document. It is set
	// only together with err.
	alone *config.Effective
}

// assess checks a tenant's documents with the check of the present base, as the function assess
// does. It waits for a place in Options.Slots.
func (t *tenantTable) assess(ctx context.Context, id string, docs config.Documents, trial Trial) (verdict, error) {
	return t.assessUnder(ctx, t.base().check, id, docs, trial)
}

// assessUnder checks a tenant's documents with the given check, as the function assess does. It
// waits for a place in Options.Slots.
func (t *tenantTable) assessUnder(ctx context.Context, check Check, id string, docs config.Documents, trial Trial) (v verdict, err error) {
	err = t.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		v, err = assess(ctx, check, id, docs, trial)
		return err
	})
	return v, err
}

// assess checks a tenant's documents. Its error says that the operator's document alone is
// invalid, or that the check had no result. Problems of the own document are in the verdict.
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
		// The own document failed its trial. The verdict must be the same on all hosts, and
		// other hosts check without a trial.
		return assess(ctx, check, id, docs, NoTrial)
	case isOfPlugins(err):
		return verdict{err: err, alone: alone}, nil
	}
	return verdict{effective: alone, held: err}, nil
}

// isOfPlugins reports whether all problems in err come from plugins that are missing now, and
// none from the settings.
func isOfPlugins(err error) bool {
	var problems config.Problems
	return errors.As(err, &problems) && len(problems.Unwrap()) == len(problems)
}

// accepted is a change of one of a tenant's documents that has passed its check.
type accepted struct {
	docs config.Documents
	verdict
	literals []config.Path // where the operator's document has secrets as literal values
}

// judge checks a change of one of a tenant's documents with the check of the present base, as
// the function judge does. It waits for a place in Options.Slots.
func (t *tenantTable) judge(ctx context.Context, id string, doc *config.Document, old config.Documents, was *config.Effective, o PutOptions) (out accepted, err error) {
	err = t.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		out, err = judge(ctx, t.base().check, id, doc, old, was, o)
		return err
	})
	return out, err
}

// judge checks a change of one of a tenant's documents. doc is the new document of o.Author, or
// a patch of the present document. doc may refer to secrets of the document that it replaces.
// old has the documents before the change, and was is their effective configuration.
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
			return accepted{}, forTenant(blame(ctx, check, id, old.Operator, err), out.docs)
		}
		if err := config.CheckRestored(doc, was, effective); err != nil {
			return accepted{}, err
		}
		_, secrets := effective.TenantSecrets()
		// The stored document gets another file name, because a problem that is found later
		// must not name the body of this request.
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
		// The values stay secret even if a later version of the plugin does not mark them.
		out.docs.Operator = doc.MarkSecret(secrets.Literals)
	}
	return out, nil
}

// withOperators returns effective, or alone if effective is nil. The operator's document is a
// part of both configurations.
func (v verdict) withOperators() *config.Effective {
	if v.effective != nil {
		return v.effective
	}
	return v.alone
}

// secretsOf returns the paths of the secrets in doc, the document of the author. was is the
// effective configuration that doc was a part of. It may be nil.
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

// blame returns err, if the operator's settings alone are valid. Otherwise it returns an error
// that says that they are invalid, because the tenant cannot correct them.
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

// forTenant returns what the tenant that put docs.Own may see of err. An error of blame keeps its text.
// It loses its problems, because they are in the operator's document.
func forTenant(err error, docs config.Documents) error {
	switch err := err.(type) {
	case config.Problems:
		return err.ForTenant(docs.Own, docs.Operator)
	case *fault.Error: // of blame
		if _, ok := err.Err.(config.Problems); ok {
			f := *err
			f.Err = nil
			return &f
		}
	}
	return err
}

// checkOwnSize returns an error if own settings are larger than bounds.OwnDocumentBytes.
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

// counter is a writer that counts the bytes that are written to it.
type counter int

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)
