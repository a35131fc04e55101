package storagetest

import (
	"slices"

	"github.com/botyard/botyard/sdk/internal/conformance"
)

// Rule is one promise and its check. Doc is a sentence that says the promise. Slow says that [Short]
// makes the rule smaller. Check(ctx, *Env) returns an error that says what is wrong, or nil. It
// returns [ErrSkip] when the rule does not apply to this storage.
type Rule = conformance.Rule[Env]

// ErrSkip is the error of a rule that does not apply.
var ErrSkip = conformance.ErrSkip

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(turnRules, logRules, writerRules, linearizableRules, leaseRules, keyRules, readRules, listRules,
		ownerRules, deleteRules, deleteStepsRules, deleteUserRules, deleteRaceRules, incarnationRules, contentRules, boundsRules, pageSizeRules, importRules,
		tenantStoreRules, tenantWriterRules, tenantWatchRules, migrateRules, durableRules)
}

// Failure is the error of a Rule that failed. Err says why. [Test] joins the Failures of all rules.
type Failure = conformance.Failure[Env]
