package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var leaseRules = []Rule{
	{
		Name:  "dead-holder",
		Doc:   "When a holder's lease ran out, the next Begin interrupts its turn, with a reason, and takes the conversation.",
		Check: checkDeadHolder,
	},
	{
		Name:  "stale-fence",
		Doc:   "The Commit of a turn that a later Begin interrupted is a conflict and changes nothing.",
		Check: checkStaleFence,
	},
	{
		Name:  "slow-holder",
		Doc:   "A turn whose lease ran out, but that no Begin interrupted, can still be committed.",
		Check: checkSlowHolder,
	},
	{
		Name:  "renew",
		Doc:   "Renew keeps all turns of the holders that it names, in all tenants, and nobody else's.",
		Check: checkRenew,
	},
}

func checkDeadHolder(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.start(ctx, "one", lease(env.Lease)); err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	two, err := c.via(1).start(ctx, "two", tail(10))
	if err != nil {
		return fmt.Errorf("after the lease of %v: %w", env.Lease, err)
	}
	if two.Sequence != 2 || len(two.Tail) != 0 {
		return fmt.Errorf("the turn after the dead one has sequence %d and tail %q; want 2 and none", two.Sequence, tailTexts(two))
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if len(log) != 2 {
		return fmt.Errorf("the conversation has %d turns; want the interrupted and the running one", len(log))
	}
	dead := log[0]
	if dead.State != storage.Interrupted || dead.Number != 0 || dead.EndedAt.IsZero() {
		return fmt.Errorf("the dead holder's turn is %s, number %d, ended at %v; want interrupted, 0 and a time", dead.State, dead.Number, dead.EndedAt)
	}
	class, sentence, _ := strings.Cut(dead.Reason, ": ")
	if _, ok := fault.ParseClass(class); !ok || sentence == "" {
		return fmt.Errorf("the dead holder's turn has the reason %q; want \"CLASS: sentence\"", dead.Reason)
	}
	return same("messages of the dead holder's turn", texts(dead.Messages), []string{"one"})
}

func checkStaleFence(ctx context.Context, env *Env) error {
	c := env.talk("c")
	one, err := c.start(ctx, "one", lease(env.Lease))
	if err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	two, err := c.via(1).start(ctx, "two")
	if err != nil {
		return err
	}
	for _, state := range []storage.State{storage.Succeeded, storage.Interrupted} {
		_, err := c.end(ctx, one.Fence, state, "one")
		if err := refused("late commit while the next turn runs", fault.Conflict, err); err != nil {
			return err
		}
	}
	if n, err := c.end(ctx, two.Fence, storage.Succeeded, "two"); err != nil || n != 1 {
		return fmt.Errorf("commit of the turn that took over: number %d, error %v; want 1", n, err)
	}
	_, err = c.end(ctx, one.Fence, storage.Succeeded, "one")
	if err := refused("late commit after the next turn", fault.Conflict, err); err != nil {
		return err
	}
	log, err := c.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	if len(log) != 1 || log[0].Sequence != two.Sequence {
		return fmt.Errorf("the log has %d turns; want only the one that took over", len(log))
	}
	return nil
}

func checkSlowHolder(ctx context.Context, env *Env) error {
	c := env.talk("c")
	s, err := c.start(ctx, "one", lease(env.Lease))
	if err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	if n, err := c.end(ctx, s.Fence, storage.Succeeded, "one"); err != nil || n != 1 {
		return fmt.Errorf("commit after the lease: number %d, error %v; want 1", n, err)
	}
	return nil
}

func checkRenew(ctx context.Context, env *Env) error {
	renewer, ok := env.Storage.(storage.Renewer)
	if !ok {
		return ErrSkip
	}
	by := func(holder string) func(*storage.BeginRequest) {
		return func(r *storage.BeginRequest) { r.Holder, r.Lease = holder, env.Lease }
	}
	one, other, last := env.holder(), env.holder(), env.holder()
	kept := []struct {
		talk
		holder string
	}{{env.talk("kept"), one}, {env.talk("kept too"), one}, {env.talkOf("-b", "kept"), one}, {env.talk("of another holder"), other}, {env.talk("of the last holder"), last}}
	for _, c := range kept {
		if _, err := c.start(ctx, "one", by(c.holder)); err != nil {
			return err
		}
	}
	lost := env.talk("lost")
	if _, err := lost.start(ctx, "one", lease(env.Lease)); err != nil {
		return err
	}
	for _, lease := range []time.Duration{longLease, longLease, env.Lease} { // the last renewal must not shorten the lease
		if err := renewer.Renew(ctx, []string{one, other, one, last}, lease); err != nil {
			return fmt.Errorf("renew: %w", err)
		}
	}
	if err := renewer.Renew(ctx, []string{env.holder(), env.holder()}, time.Minute); err != nil {
		return fmt.Errorf("renew of holders that hold nothing: %w", err)
	}
	many := make([]string, storage.MaxRenewal+1)
	for i := range many {
		many[i] = env.holder()
	}
	for what, holders := range map[string][]string{"nobody": nil, "a holder without a name": {one, ""}, "more than there may be": many} {
		if err := refused("renewal of "+what, fault.Invalid, renewer.Renew(ctx, holders, env.Lease)); err != nil {
			return err
		}
	}
	if err := renewer.Renew(ctx, many[1:], env.Lease); err != nil {
		return fmt.Errorf("renew of %d holders: %w", len(many)-1, err)
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	var wrong []error
	for _, c := range kept {
		res, err := c.via(1).begin(ctx, "two")
		wrong = append(wrong, want(fmt.Sprintf("begin in %q of tenant %s, which was renewed", c.call.Conversation, c.call.Tenant),
			"busy (same key: false)", res, err))
	}
	res, err := lost.via(2).begin(ctx, "two")
	wrong = append(wrong, want("begin in a conversation whose holder was not renewed", "started", res, err))
	return errors.Join(wrong...)
}
