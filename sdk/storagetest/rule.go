package storagetest

import (
	"slices"

	"github.com/botyard/botyard/sdk/internal/conformance"
)

// Rule is one promise and how to see whether it is kept: its Name, a sentence, Doc,
// whether it is Slow, so that [Short] makes it smaller, and Check(ctx, *Env), which
// answers what is wrong, or [ErrSkip] when the rule is not for this storage.
type Rule = conformance.Rule[Env]

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = conformance.ErrSkip

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(turnRules, logRules, writerRules, linearRules, leaseRules, keyRules, readRules, listRules,
		ownerRules, deleteRules, eraseRules, emptyRules, raceRules, lifeRules, contentRules, boundRules, sizeRules, importRules,
		registryRules, registryWriterRules, watchRules, migrateRules, durableRules)
}

// Failure is a Rule that is not kept, and Err, why. [Test] joins one for each.
type Failure = conformance.Failure[Env]
