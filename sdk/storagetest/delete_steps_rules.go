package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var deleteStepsRules = []Rule{
	{
		Name:  "delete-before",
		Doc:   "A deletion with a time spares what was changed since, and what a living holder's turn runs in; the tenant goes on.",
		Check: checkDeleteBefore,
	},
	{
		Name:  "delete-steps",
		Doc:   "A deletion in steps puts all out of reach at the first, removes about as much as it may at each, and its counts add up.",
		Check: checkDeleteSteps,
	},
	{
		Name:  "delete-steps-reuse",
		Doc:   "What is begun under a deleted id before the last step is whole, and later steps with a time spare it.",
		Check: checkDeleteStepsReuse,
	},
}

// changed returns the conversation's UpdatedAt.
func (t talk) changed(ctx context.Context) (time.Time, error) {
	all, err := t.env.list(ctx, t.tenant(), 100)
	if err != nil {
		return time.Time{}, err
	}
	for _, c := range all {
		if c.ID == t.call.Conversation {
			return c.UpdatedAt, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not listed: %q", t.call.Conversation, ids(all))
}

// tick waits until a clock that counts milliseconds has advanced.
func tick() { time.Sleep(5 * time.Millisecond) }

func checkDeleteBefore(ctx context.Context, env *Env) error {
	incarnation := env.id("incarnation")
	living := func(id string) talk {
		t := env.talk(id)
		t.call.Incarnation = incarnation
		env.talks = append(env.talks, t)
		return t
	}
	old, alive, dead := living("old"), living("alive"), living("dead")
	renewed, fresh, guest := living("renewed"), living("fresh"), living("other user's").as(env.id("other"))
	for _, t := range []talk{old, guest, fresh} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	running, err := alive.start(ctx, "runs on")
	if err != nil {
		return err
	}
	lost, err := dead.start(ctx, "its holder dies", lease(env.Lease))
	if err != nil {
		return err
	}
	host := env.holder()
	if _, err := renewed.start(ctx, "renewed", func(r *storage.BeginRequest) { r.Holder, r.Lease = host, env.Lease }); err != nil {
		return err
	}
	renewer, renews := env.Storage.(storage.Renewer)
	if renews {
		if err := renewer.Renew(ctx, []string{host}, longLease); err != nil {
			return fmt.Errorf("renew: %w", err)
		}
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	if _, err := fresh.turn(ctx, "two"); err != nil {
		return err
	}
	cut, err := fresh.changed(ctx)
	if err != nil {
		return err
	}
	tick()
	spared := func(what string, gone map[string]bool) error {
		var wrong []error
		for _, t := range []struct {
			name string
			talk
		}{{"old", old}, {"alive", alive}, {"dead", dead}, {"fresh", fresh}, {"other user's", guest}} {
			check := t.exists
			if gone[t.name] {
				check = t.gone
			}
			if err := check(ctx); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %q: %w", what, t.name, err))
			}
		}
		if renews {
			wrong = append(wrong, renewed.exists(ctx))
		}
		return errors.Join(wrong...)
	}
	if err := env.delete(ctx, "a conversation that was changed just then", storage.Scope{Call: fresh.call, Before: cut}, 0); err != nil {
		return err
	}
	if err := env.delete(ctx, "a conversation with a turn that runs", storage.Scope{Call: alive.call, Before: cut}, 0); err != nil {
		return err
	}
	if err := env.delete(ctx, "a conversation before its time", storage.Scope{Call: old.call, Before: cut.Add(-time.Hour)}, 0); err != nil {
		return err
	}
	if err := spared("after deletions that must spare all", nil); err != nil {
		return err
	}
	if err := env.delete(ctx, "another user's old conversations", storage.Scope{Call: guest.user(), Before: cut}, 1); err != nil {
		return err
	}
	if err := spared("after deletion by user", map[string]bool{"other user's": true}); err != nil {
		return err
	}
	want := int64(2) // the conversation "old", and the conversation "dead" whose lease has ended
	if !renews {
		want++
	}
	if err := env.delete(ctx, "all old conversations", storage.Scope{Call: old.tenant(), Tenant: true, Before: cut}, want); err != nil {
		return err
	}
	if err := spared("after deletion of what is old", map[string]bool{"other user's": true, "old": true, "dead": true}); err != nil {
		return err
	}
	_, err = dead.end(ctx, lost.Fence, storage.Succeeded, "late")
	if err := refused("commit of a dead holder's turn that was deleted", fault.Conflict, err); err != nil {
		return err
	}
	if n, err := alive.end(ctx, running.Fence, storage.Succeeded, "runs on"); err != nil || n != 1 {
		return fmt.Errorf("commit of the turn that was spared: number %d, error %v; want 1", n, err)
	}
	if s, err := old.turn(ctx, "again", tail(10)); err != nil || s.Sequence != 1 || len(s.Tail) > 0 {
		return fmt.Errorf("a turn of the tenant's incarnation, which goes on: %+v, error %v; want the first, without tail", s, err)
	}
	return nil
}

// steps calls Delete with the scope until nothing is left. each is the number of turns of a
// conversation. steps checks that a call removes at most Limit plus each turns, and that the sums
// equal conversations and turns. It calls check after each call.
func (e *Env) steps(ctx context.Context, scope storage.Scope, conversations, turns int64, each int64, check func(step int) error) error {
	var sum storage.Deleted
	for step := 0; ; step++ {
		d, err := e.any(step).Delete(ctx, scope)
		if err != nil {
			return fmt.Errorf("step %d of the deletion: %w", step+1, err)
		}
		sum.Conversations += d.Conversations
		sum.Turns += d.Turns
		if scope.Limit > 0 && d.Turns > int64(scope.Limit)+each {
			return fmt.Errorf("step %d removed %d turns; want about %d", step+1, d.Turns, scope.Limit)
		}
		if scope.Limit == 0 && d.More {
			return fmt.Errorf("a deletion without limit says that more is to be deleted: %+v", d)
		}
		if int64(step) > turns+conversations+1 {
			return fmt.Errorf("after %d steps more is to be deleted; there were %d turns", step+1, turns)
		}
		if err := check(step); err != nil {
			return fmt.Errorf("after step %d of the deletion: %w", step+1, err)
		}
		if !d.More {
			break
		}
	}
	if sum.Conversations != conversations || sum.Turns != turns {
		return fmt.Errorf("the deletion in steps removed %d conversations and %d turns; want %d and %d",
			sum.Conversations, sum.Turns, conversations, turns)
	}
	return nil
}

func checkDeleteSteps(ctx context.Context, env *Env) error {
	const each, limit = 4, 6
	for _, try := range []struct {
		what  string
		count int // the number of conversations in the scope
		scope func(talk) storage.Scope
	}{
		{"a conversation", 1, func(t talk) storage.Scope { return storage.Scope{Call: t.call, Limit: 2} }},
		{"a user", 5, func(t talk) storage.Scope { return storage.Scope{Call: t.user(), Limit: limit} }},
		{"a tenant", 6, func(t talk) storage.Scope { return storage.Scope{Call: t.tenant(), Tenant: true, Limit: limit} }},
		{"what is old", 6, func(t talk) storage.Scope {
			return storage.Scope{Call: t.tenant(), Tenant: true, Limit: limit, Before: time.Now().Add(time.Hour)}
		}},
		{"all at once", 6, func(t talk) storage.Scope { return storage.Scope{Call: t.tenant(), Tenant: true} }},
	} {
		all := []talk{env.talk("other").as(env.id("other"))}
		for i := range 5 {
			all = append(all, env.talk(fmt.Sprintf("c%d", i)))
		}
		var fences []string
		for _, t := range all {
			if _, err := t.turn(ctx, "one"); err != nil {
				return err
			}
			for i := range each - 1 {
				last, held := i == each-2, longLease
				if last { // the last turn is still running when its lease has ended
					held = time.Millisecond
				}
				s, err := t.start(ctx, fmt.Sprint(i), lease(held))
				if err != nil {
					return err
				}
				if last {
					fences = append(fences, s.Fence)
					break
				}
				if _, err := t.end(ctx, s.Fence, storage.Failed, ""); err != nil {
					return fmt.Errorf("commit: %w", err)
				}
			}
		}
		tick()
		doomed := all[len(all)-min(try.count, 6):]
		err := env.steps(ctx, try.scope(all[5]), int64(try.count), int64(try.count)*each, each, func(step int) error {
			for i, t := range all[len(all)-len(doomed):] {
				if err := t.via(step + 1).gone(ctx); err != nil {
					return fmt.Errorf("conversation %d: %w", i, err)
				}
			}
			left, err := env.list(ctx, all[0].tenant(), 100)
			if err != nil || len(left) != len(all)-len(doomed) {
				return fmt.Errorf("%d conversations are listed, error %v; want %d", len(left), err, len(all)-len(doomed))
			}
			_, err = all[5].end(ctx, fences[5], storage.Succeeded, "late")
			return refused("commit of a turn that ran there", fault.Conflict, err)
		})
		if err != nil {
			return fmt.Errorf("deleting %s: %w", try.what, err)
		}
		for _, t := range all[:len(all)-len(doomed)] {
			if err := t.exists(ctx); err != nil {
				return fmt.Errorf("deleting %s: %w", try.what, err)
			}
		}
		if err := env.steps(ctx, try.scope(all[5]), 0, 0, each, func(int) error { return nil }); err != nil {
			return fmt.Errorf("deleting %s again: %w", try.what, err)
		}
		if _, err := env.Storage.Delete(ctx, storage.Scope{Call: all[0].tenant(), Tenant: true}); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	_, err := env.Storage.Delete(ctx, storage.Scope{Call: env.talk("c0").call, Limit: -1})
	return refused("delete with limit -1", fault.Invalid, err)
}
