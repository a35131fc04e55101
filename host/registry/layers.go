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

// A tenant has two documents: the operator's, of a file or registered, and its own. No
// own document stands in the way of what the operator changes, whether that is the
// operator's document, a file, the policy or a plan: where it contradicts, it is held as a whole,
// and the tenant is served by the operator's document alone until one of the two is
// mended. Never is a part of it served.

// verdict is what a tenant's documents make.
type verdict struct {
	effective *config.Effective // nil for none
	held      error             // why the own document is held; nil if it counts, or is not there
	// err is why nothing is served although the operator's document is right by itself: a
	// plugin that the own document names is not there now. To serve without it would have
	// turns go to another storage until it is back.
	err error
	// alone is what the operator's document makes by itself, where effective is nil.
	alone *config.Effective
}

// assess says what a tenant's documents make now, when the tenant has its turn. See the
// function.
func (r *Registry) assess(ctx context.Context, id string, docs config.Documents, trial Trial) (verdict, error) {
	return r.assessUnder(ctx, r.base().check, id, docs, trial)
}

func (r *Registry) assessUnder(ctx context.Context, check Check, id string, docs config.Documents, trial Trial) (v verdict, err error) {
	err = r.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		v, err = assess(ctx, check, id, docs, trial)
		return err
	})
	return v, err
}

// assess says what a tenant's documents make. Its errors are those of the operator's
// document alone, and those of a check that came to no verdict.
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
		// What a trial says of both is the tenant's matter. What is served is what every
		// host makes of them, without a trial.
		return assess(ctx, check, id, docs, NoTrial)
	case isOfPlugins(err):
		return verdict{err: err, alone: alone}, nil
	}
	return verdict{effective: alone, held: err}, nil
}

// isOfPlugins reports whether all that is wrong comes of what is behind the configuration
// now: a plugin that is not there.
func isOfPlugins(err error) bool {
	var problems config.Problems
	return errors.As(err, &problems) && len(problems.Unwrap()) == len(problems)
}

// accepted is a change of one of a tenant's documents that may be made.
type accepted struct {
	docs config.Documents
	verdict
	literals []config.Path // in the operator's document, of secrets that are given as texts
}

// judge checks a change of one of a tenant's documents, which may keep secrets of what it
// replaces. The documents before are old, and was is what they made. It works when the
// tenant has its turn.
func (r *Registry) judge(ctx context.Context, id string, doc *config.Document, old config.Documents, was *config.Effective, o PutOptions) (out accepted, err error) {
	err = r.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		out, err = judge(ctx, r.base().check, id, doc, old, was, o)
		return err
	})
	return out, err
}

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
		// What is kept has a name of its own: there is another body by the time that somebody
		// reads of a problem in it.
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
		// They stay secret though a later version of the plugin does not mark them.
		out.docs.Operator = doc.MarkSecret(secrets.Literals)
	}
	return out, nil
}

// withOperators is an effective configuration that the operator's document is a part of.
func (v verdict) withOperators() *config.Effective {
	if v.effective != nil {
		return v.effective
	}
	return v.alone
}

// secretsOf gives the paths of a document's secrets.
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

// blame says whose mistake it is that own settings cannot be taken: where the operator's
// are wrong by themselves, the tenant can do nothing.
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

// checkOwnSize refuses own settings that are too large.
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
