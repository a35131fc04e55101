package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Rule is one promise and how to see whether it is kept.
type Rule struct {
	Name string
	Doc  string // one sentence
	Slow bool   // takes long, and is smaller with [Short]
	// Check answers what is wrong, or [ErrSkip] when the rule is not for this storage.
	Check func(ctx context.Context, env *Env) error
}

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = errors.New("the rule does not apply")

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(turnRules, logRules, writerRules, linearRules, leaseRules, keyRules, readRules, listRules,
		deleteRules, eraseRules, raceRules, lifeRules, contentRules, boundRules, importRules,
		registryRules, registryWriterRules, watchRules, migrateRules, durableRules)
}

// Failure is a rule that is not kept. [Test] joins one for each.
type Failure struct {
	Rule Rule
	Err  error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s\n\t%v", f.Rule.Name, f.Rule.Doc, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }
