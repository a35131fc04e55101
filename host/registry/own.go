package registry

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// judgeOwn checks a change of a tenant's own document. A nil doc removes the own document.
func (t *tenantTable) judgeOwn(ctx context.Context, before *tenant, doc *config.Document, o PutOptions) (accepted, error) {
	if doc != nil {
		return t.judge(ctx, before.id, doc, before.docs(), before.effective, o)
	}
	out := accepted{docs: config.Documents{Operator: before.doc}}
	var err error
	// The own document can be removed even if the operator's document is not valid.
	if out.verdict, err = t.assess(ctx, before.id, out.docs, NoTrial); err != nil && ctx.Err() != nil {
		return accepted{}, err
	}
	out.verdict.err = err
	return out, nil
}

// mayChangeOwn returns an error if the conditions in o do not allow a change of the tenant's
// own document.
func (t *tenantTable) mayChangeOwn(n *tenant, o PutOptions) error {
	switch {
	case o.removal && n.own == nil:
		return fault.New(fault.NotFound, "tenant %q has no own settings", n.id)
	case o.IfNone && n.own != nil:
		return fault.New(fault.Conflict, "tenant %q has own settings", n.id).At("If-None-Match")
	case !t.matches(n, o.IfMatch):
		return fault.New(fault.Conflict, "tenant %q is at revision %s", n.id, n.describe().Revision).At("If-Match")
	}
	return nil
}

// neverValid returns the error for own settings of a tenant whose file was never valid.
func neverValid(id string) error {
	return fault.New(fault.Conflict, "the operator's file of tenant %q was never valid: own settings cannot be checked before it is mended", id).At("tenant")
}
