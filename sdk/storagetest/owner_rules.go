package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var ownerRules = []Rule{
	{
		Name:  "owned",
		Doc:   "With Owned, a conversation of another user, or of none, is not there: not to begin, whatever goes on in it, not to read, not to delete.",
		Check: checkOwned,
	},
	{
		Name:  "owned-racing",
		Doc:   "Of users that begin the same new conversation at once, with Owned, one has it and the others find that it is not there.",
		Check: checkOwnedRacing,
	},
	{
		Name:  "list-wrote",
		Doc:   "List with Wrote gives the conversations that the user owns or wrote in, in pages, and says which are shared.",
		Check: checkListWrote,
	},
	{
		Name:  "import-owner",
		Doc:   "An import appends nothing to another user's conversation, and takes turns that were emptied.",
		Check: checkImportOwner,
	},
}

func owned(r *storage.BeginRequest) { r.Owned = true }

// shut checks that the conversation does not exist for the user when requests have Owned.
func (t talk) shut(ctx context.Context) error {
	var wrong []error
	for what, set := range map[string]func(*storage.BeginRequest){
		"begin":                 func(*storage.BeginRequest) {},
		"begin with its key":    key("k of "+t.call.Conversation, "d"),
		"begin with its digest": key("k of "+t.call.Conversation, "other"),
		"begin with its attempt": func(r *storage.BeginRequest) {
			r.Attempt = "attempt of " + t.call.Conversation
		},
	} {
		_, err := t.begin(ctx, what, owned, set, tail(10))
		wrong = append(wrong, refused(what, fault.NotFound, err))
	}
	for _, all := range []bool{false, true} {
		_, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, Limit: 10, All: all, Owned: true})
		wrong = append(wrong, refused("read", fault.NotFound, err))
	}
	d, err := t.storage().Delete(ctx, storage.Scope{Call: t.call, Owned: true})
	if err != nil || d != (storage.Deleted{}) {
		wrong = append(wrong, fmt.Errorf("delete: %+v, error %v; want nothing deleted", d, err))
	}
	return errors.Join(wrong...)
}

func checkOwned(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	first := func(r *storage.BeginRequest) { r.Attempt = "attempt of " + r.Call.Conversation }
	for name, owner := range map[string]string{"ann's": ann, "the tenant's": ""} {
		c := env.talk(name).as(owner)
		other := c.as(bob).via(1)
		s, err := c.start(ctx, "one", key("k of "+c.call.Conversation, "d"), first)
		if err != nil {
			return err
		}
		look := func(when string) error {
			if err := other.shut(ctx); err != nil {
				return fmt.Errorf("of %s conversation, %s: %w", name, when, err)
			}
			return nil
		}
		if err := look("while a turn runs"); err != nil {
			return err
		}
		if _, err := c.end(ctx, s.Fence, storage.Succeeded, "one"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if err := look("while it is free"); err != nil {
			return err
		}
		if owner != "" {
			if _, err := c.turn(ctx, "two", owned); err != nil {
				return fmt.Errorf("the owner's turn: %w", err)
			}
			page, err := c.storage().Read(ctx, &storage.ReadRequest{Call: c.call, Limit: 10, Owned: true})
			if err != nil || len(page.Turns) != 2 {
				return fmt.Errorf("the owner's read: %+v, error %v; want 2 turns", page, err)
			}
		} else if _, err := c.turn(ctx, "two"); err != nil {
			return err
		}
		// Without Owned, the conversation exists for all users. A user who writes in it does not
		// become its owner.
		if _, err := other.turn(ctx, "three"); err != nil {
			return fmt.Errorf("another user's turn, without Owned: %w", err)
		}
		if _, err := c.as("").turn(ctx, "four"); err != nil {
			return fmt.Errorf("nobody's turn, without Owned: %w", err)
		}
		if err := look("after writing in it"); err != nil {
			return err
		}
		if log, err := c.log(ctx, everyTurn); err != nil || len(log) != 4 {
			return fmt.Errorf("%s conversation has %d turns, error %v; want 4", name, len(log), err)
		}
	}
	mine := env.talk("bob's").as(bob)
	if _, err := mine.turn(ctx, "one", owned); err != nil {
		return fmt.Errorf("a conversation that is new: %w", err)
	}
	// The owner's deletion is unfinished. A call of another user must not remove or count the
	// remaining turns.
	if _, err := mine.turn(ctx, "two", owned); err != nil {
		return err
	}
	if d, err := env.Storage.Delete(ctx, storage.Scope{Call: mine.call, Owned: true, Limit: 1}); err != nil || !d.More {
		return fmt.Errorf("a step of a deletion: %+v, error %v; want more to follow", d, err)
	}
	if d, err := env.Storage.Delete(ctx, storage.Scope{Call: mine.as(ann).call, Owned: true}); err != nil || d != (storage.Deleted{}) {
		return fmt.Errorf("delete by another user of what is left over: %+v, error %v; want nothing", d, err)
	}
	for _, again := range []int64{1, 0} {
		d, err := env.Storage.Delete(ctx, storage.Scope{Call: mine.call, Owned: true})
		if err != nil || d.Conversations != again {
			return fmt.Errorf("delete by the owner: %+v, error %v; want %d conversations", d, err, again)
		}
	}
	nobody := env.talk("ann's").as("")
	_, err := nobody.begin(ctx, "x", owned)
	_, errRead := env.Storage.Read(ctx, &storage.ReadRequest{Call: nobody.call, Limit: 1, Owned: true})
	_, errDelete := env.Storage.Delete(ctx, storage.Scope{Call: nobody.call, Owned: true})
	_, errAll := env.Storage.Delete(ctx, storage.Scope{Call: mine.user(), Owned: true})
	return errors.Join(refused("begin with Owned and without a user", fault.Invalid, err),
		refused("read with Owned and without a user", fault.Invalid, errRead),
		refused("delete with Owned and without a user", fault.Invalid, errDelete),
		refused("delete with Owned and without a conversation", fault.Invalid, errAll))
}

func checkOwnedRacing(ctx context.Context, env *Env) error {
	const users, rounds = 4, 10
	for round := range rounds {
		var mu sync.Mutex
		winner, shut := "", 0
		c := env.talk(fmt.Sprintf("c%d", round))
		err := together(users, func(i int) error {
			t := c.as(env.id(fmt.Sprintf("user%d", i))).via(i)
			res, err := t.begin(ctx, "one", owned)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case fault.Is(err, fault.NotFound):
				shut++
				return nil
			case err != nil:
				return err
			case res.Started == nil || winner != "":
				return fmt.Errorf("begin of a new conversation by a user, of whom %q has it: %s", winner, outcome(res))
			}
			winner = t.call.User
			return nil
		})
		if err != nil {
			return err
		}
		log, err := c.log(ctx, everyTurn)
		if err != nil || len(log) != 1 || log[0].User != winner || shut != users-1 {
			return fmt.Errorf("%q has the conversation, %d do not; its log has %d turns, error %v; want the winner's one", winner, shut, len(log), err)
		}
	}
	return nil
}

// listWrote returns a text for each conversation that the user owns or wrote in. The text has the
// id, the owner and Shared. limit is the size of the pages.
func (e *Env) listWrote(ctx context.Context, call sdk.Call, limit int) ([]string, error) {
	out := []string{}
	for after := ""; ; {
		page, err := e.Storage.List(ctx, &storage.ListRequest{Call: call, After: after, Limit: limit, Wrote: true})
		if err != nil {
			return nil, fmt.Errorf("list of what a user wrote: %w", err)
		}
		if len(page.Conversations) > limit || page.More && len(page.Conversations) == 0 {
			return nil, fmt.Errorf("list of what a user wrote: a page of %d, more: %t; want at most %d", len(page.Conversations), page.More, limit)
		}
		for _, c := range page.Conversations {
			if c.ID <= after {
				return nil, fmt.Errorf("list of what a user wrote: %q came after %q", c.ID, after)
			}
			after = c.ID
			out = append(out, fmt.Sprintf("%s of %s shared %t", c.ID, c.User, c.Shared))
		}
		if !page.More {
			return out, nil
		}
	}
}

func checkListWrote(ctx context.Context, env *Env) error {
	ann, bob, eve := env.id("ann"), env.id("bob"), env.id("eve")
	for i, writers := range [][]string{{ann}, {ann, bob}, {bob, ann, ann}, {"", ann}, {ann, ""}, {bob}, {eve, bob}, {bob, ann, eve}} {
		for _, user := range writers {
			if _, err := env.talk(fmt.Sprintf("c%d", i)).as(user).turn(ctx, "one"); err != nil {
				return err
			}
		}
	}
	entry := func(i int, user string, shared bool) string {
		return fmt.Sprintf("%s of %s shared %t", env.id(fmt.Sprintf("c%d", i)), user, shared)
	}
	want := []string{entry(0, ann, false), entry(1, ann, true), entry(2, bob, true), entry(3, "", true), entry(4, ann, false), entry(7, bob, true)}
	call := env.talk("c0").as(ann).user()
	for _, limit := range []int{100, 1, 4} {
		got, err := env.listWrote(ctx, call, limit)
		if err != nil {
			return err
		}
		if err := same(fmt.Sprintf("what a user owns or wrote in, in pages of %d", limit), got, want); err != nil {
			return err
		}
	}
	plain, err := env.list(ctx, call, 100)
	if err != nil {
		return err
	}
	if err := same("what a user owns", ids(plain), []string{env.id("c0"), env.id("c1"), env.id("c4")}); err != nil {
		return err
	}
	_, err = env.Storage.List(ctx, &storage.ListRequest{Call: env.talk("c0").tenant(), Limit: 1, Wrote: true})
	return refused("list with Wrote and without a user", fault.Invalid, err)
}

func checkImportOwner(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	turns := ended(6)
	turns[2] = turns[2].Emptied(turns[2].EndedAt)
	c := env.talk("c").as(ann)
	if err := c.load(ctx, turns[:4], 4); err != nil {
		return err
	}
	for _, other := range []string{bob, ""} {
		_, err := c.as(other).tryLoad(ctx, turns)
		if err := refused("import that appends to another user's conversation", fault.Conflict, err); err != nil {
			return err
		}
		if err := c.as(other).load(ctx, turns[:4], 0); err != nil {
			return fmt.Errorf("of what is there, as another user: %w", err)
		}
	}
	if err := c.load(ctx, turns, 2); err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	return sameTurns("a log with an emptied turn", log, turns)
}
