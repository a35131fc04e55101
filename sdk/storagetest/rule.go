package storagetest

import (
	"slices"

	"github.com/botyard/botyard/sdk/internal/conformance"
)

// Rule is one promise and its check. It has a Name, a sentence Doc, and Slow, which says that
// [Short] makes it smaller. Check(ctx, *Env) returns what is wrong, nil, or [ErrSkip] when the
// rule does not apply to this storage.
type Rule = conformance.Rule[Env]

// ErrSkip is the error of a rule that does not apply.
var ErrSkip = conformance.ErrSkip

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(turnRules, logRules, writerRules, linearizableRules, leaseRules, keyRules, readRules, listRules,
		ownerRules, deleteRules, deleteStepsRules, deleteUserRules, deleteRaceRules, incarnationRules, contentRules, boundsRules, pageSizeRules, importRules,
		tenantStoreRules, tenantWriterRules, tenantWatchRules, migrateRules, durableRules)
}

// Failure is a Rule that is not kept, and Err says why. [Test] joins one for each such rule.
type Failure = conformance.Failure[Env]
