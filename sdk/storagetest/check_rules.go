package storagetest

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/storage"
)

var checkRules = []Rule{{Name: "check", Doc: conformance.CheckDoc, Check: checkCheck}}

// checkPrompt is how long Check may take to return after its caller is gone.
const checkPrompt = 10 * time.Second

// checkCheck calls Check of the storage while a turn runs. It compares what the tenant has before and
// afterwards, and then goes on with the conversation.
func checkCheck(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	running, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	before, err := c.kept(ctx)
	if err != nil {
		return err
	}
	if err := conformance.CheckChecker(ctx, env.Storage, conformance.Checked{Prompt: checkPrompt, Works: true}); err != nil {
		return err
	}
	after, err := c.kept(ctx)
	if err != nil {
		return err
	}
	if err := same("what is kept after check", after, before); err != nil {
		return err
	}
	if n, err := c.end(ctx, running.Fence, storage.Succeeded, "two"); err != nil || n != 2 {
		return fmt.Errorf("commit of a turn begun before check: number %d, error %v; want 2", n, err)
	}
	next, err := c.turn(ctx, "three", tail(10))
	if err != nil {
		return err
	}
	if len(next.Tail) != 2 {
		return fmt.Errorf("the tail after check has %d turns; want 2", len(next.Tail))
	}
	return nil
}

// content is all data of a tenant that has one conversation.
type content struct {
	Conversations []storage.Conversation
	Turns         []storage.Turn
}

// kept returns all data of the conversation's tenant, which has no other conversation.
func (t talk) kept(ctx context.Context) (content, error) {
	list, err := t.storage().List(ctx, &storage.ListRequest{Call: t.tenant(), Limit: 10})
	if err != nil {
		return content{}, fmt.Errorf("list: %w", err)
	}
	turns, err := t.log(ctx, everyTurn)
	return content{list.Conversations, turns}, err
}
