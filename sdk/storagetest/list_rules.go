package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

var listRules = []Rule{
	{
		Name:  "list",
		Doc:   "List pages through all conversations by id, bytewise, with their first user, succeeded turns and times.",
		Check: checkList,
	},
	{
		Name:  "list-user",
		Doc:   "List with a user gives the conversations that this user began.",
		Check: checkListUser,
	},
	{
		Name:  "list-growing",
		Doc:   "Paging through the list skips and repeats nothing while conversations are added.",
		Check: checkListGrowing,
	},
}

// list returns all conversations of List, which it reads in pages of limit, and checks the pages.
func (e *Env) list(ctx context.Context, call sdk.Call, limit int) ([]storage.Conversation, error) {
	var all []storage.Conversation
	for after := ""; ; {
		page, err := e.Storage.List(ctx, &storage.ListRequest{Call: call, After: after, Limit: limit})
		if err != nil {
			return nil, fmt.Errorf("list after %q: %w", after, err)
		}
		if len(page.Conversations) > limit || page.More && len(page.Conversations) == 0 {
			return nil, fmt.Errorf("list after %q: a page of %d, more: %t; want 1 to %d entries, or none and no more",
				after, len(page.Conversations), page.More, limit)
		}
		for _, c := range page.Conversations {
			if c.ID <= after {
				return nil, fmt.Errorf("list in pages of %d: %q came after %q", limit, c.ID, after)
			}
			after = c.ID
			all = append(all, c)
		}
		if !page.More {
			return all, nil
		}
	}
}

func ids(conversations []storage.Conversation) []string {
	out := []string{}
	for _, c := range conversations {
		out = append(out, c.ID)
	}
	return out
}

func checkList(ctx context.Context, env *Env) error {
	// In byte order, capital letters come before small letters, and characters outside of ASCII
	// come last. The alphabetical order of a language would mix these groups.
	odd := []string{"10", "9", "A b", "Z", "_", "a", "a b", "a-c", "ab", "b", "z", "ä", "é", "日本", "\U0001F600"}
	want := make([]string, len(odd))
	for i, id := range odd {
		want[i] = env.id(id)
	}
	if !slices.IsSorted(want) {
		return errors.New("the kit's own list is not sorted")
	}
	for i := range odd {
		c := env.talk(odd[(i*7)%len(odd)])
		if _, err := c.as(env.id("first")).turn(ctx, "one"); err != nil {
			return err
		}
		if _, err := c.turn(ctx, "two"); err != nil { // a turn of another user
			return err
		}
		s, err := c.start(ctx, "three")
		if err != nil {
			return err
		}
		if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	tenant := env.talk("").tenant()
	for _, limit := range []int{1, 2, 5, len(odd) - 1, len(odd), len(odd) + 1, storage.MaxPage} {
		all, err := env.list(ctx, tenant, limit)
		if err != nil {
			return err
		}
		if err := same(fmt.Sprintf("the list in pages of %d", limit), ids(all), want); err != nil {
			return err
		}
		for _, c := range all {
			if c.Turns != 2 || c.User != env.id("first") {
				return fmt.Errorf("%q is listed with %d turns of user %q; want 2 of %q", c.ID, c.Turns, c.User, env.id("first"))
			}
			if c.CreatedAt.IsZero() || c.UpdatedAt.Before(c.CreatedAt) {
				return fmt.Errorf("%q was created at %v and updated at %v", c.ID, c.CreatedAt, c.UpdatedAt)
			}
		}
	}
	page, err := env.Storage.List(ctx, &storage.ListRequest{Call: tenant, After: env.id("a a"), Limit: 2})
	if err != nil {
		return fmt.Errorf("list after an id that is not there: %w", err)
	}
	return same("the list after an id that is not there", ids(page.Conversations), []string{env.id("a b"), env.id("a-c")})
}

func checkListUser(ctx context.Context, env *Env) error {
	users := []string{env.id("ann"), env.id("bob"), env.id("ann2")}
	want := map[string][]string{}
	for i := range 9 {
		c := env.talk(fmt.Sprintf("c%d", i))
		user := users[i%3]
		if _, err := c.as(user).turn(ctx, "one"); err != nil {
			return err
		}
		if _, err := c.as(users[(i+1)%3]).turn(ctx, "a guest"); err != nil {
			return err
		}
		want[user] = append(want[user], c.call.Conversation)
	}
	for _, user := range append(users, env.id("an"), env.id("nobody")) {
		call := env.talk("").as(user).user()
		for _, limit := range []int{1, 2, 3, 10} {
			all, err := env.list(ctx, call, limit)
			if err != nil {
				return err
			}
			if err := same(fmt.Sprintf("the list of user %q in pages of %d", user, limit), ids(all), want[user]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkListGrowing(ctx context.Context, env *Env) error {
	const before, added = 20, 40
	var there []string
	for i := range before {
		c := env.talk(fmt.Sprintf("%02d", 4*i))
		if _, err := c.turn(ctx, "one"); err != nil {
			return err
		}
		there = append(there, c.call.Conversation)
	}
	for i := range added {
		// Before each page, the rule adds a conversation. The ids of the added conversations
		// descend.
		if _, err := env.talk(fmt.Sprintf("%02d", 79-(i+i/3))).start(ctx, "one"); err != nil {
			return err
		}
		growing := make(chan error, 1)
		other := env.talk(fmt.Sprintf("%02d", 79-(i+i/3)) + "+")
		go func() {
			_, err := other.via(1).start(ctx, "one")
			growing <- err
		}()
		all, err := env.list(ctx, other.tenant(), 3)
		if err := errors.Join(err, <-growing); err != nil {
			return err
		}
		got := ids(all)
		for _, id := range there {
			if !slices.Contains(got, id) {
				return fmt.Errorf("%q was there before and is not in the list: %q", id, got)
			}
		}
	}
	return nil
}
