package memorytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/internal/conformance"
)

var checkRules = []Rule{{Name: "check", Doc: conformance.CheckDoc, Check: checkCheck}}

// checkPrompt is how long Check may take to return after its caller is gone.
const checkPrompt = 10 * time.Second

// checkCheck calls Check of the memory, and compares what Recall returns before and afterwards.
func checkCheck(ctx context.Context, env *Env) error {
	said, silent := env.talk("a", "c", 12), env.talk("a", "silent", 0)
	if err := said.remember(ctx, 1, 12); err != nil {
		return err
	}
	recalled := func() (string, error) {
		one, err := said.recall(ctx)
		other, err2 := silent.recall(ctx)
		return encode(one) + encode(other), errors.Join(err, err2)
	}
	before, err := recalled()
	if err != nil {
		return err
	}
	if err := conformance.CheckChecker(ctx, env.Memory, conformance.Checked{Prompt: checkPrompt, Works: true}); err != nil {
		return err
	}
	after, err := recalled()
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("recalled %.300s after check; want %.300s, as before", after, before)
	}
	return nil
}
