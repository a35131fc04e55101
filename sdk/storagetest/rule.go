package storagetest

import (
	"slices"

	"github.com/botyard/botyard/sdk/internal/conformance"
)

// Rule is one promise, with a function that checks whether a storage keeps it. Doc states the
// promise in one sentence. Slow marks a rule that [Short] makes smaller. Check(ctx, *Env) returns
// an error that says what is wrong, or [ErrSkip] if the rule does not apply to the tested storage.
type Rule = conformance.Rule[Env]

// ErrSkip is the error of a rule that does not apply to the tested storage.
var ErrSkip = conformance.ErrSkip

// Rules returns all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(turnRules, logRules, writerRules, linearizableRules, leaseRules, keyRules, readRules, listRules,
		ownerRules, deleteRules, deleteStepsRules, deleteUserRules, deleteRaceRules, incarnationRules, retractRules, branchRules, cursorRules, cursorForgetRules, contentRules, boundsRules, pageSizeRules, importRules,
		tenantStoreRules, tenantWriterRules, tenantWatchRules, migrateRules, checkRules, durableRules)
}

// Failure is a Rule that the storage breaks. Its Err says why. [Test] joins the Failures of all
// broken rules.
type Failure = conformance.Failure[Env]
