package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

var pageSizeRules = []Rule{
	{
		Name:  "tail-bytes",
		Doc:   "A tail has whole turns, the newest that have at most TailBytes, and says whether it was cut for that.",
		Check: checkTailBytes,
	},
	{
		Name:  "page-bytes",
		Doc:   "A page of turns ends with the one that makes it sdk.MaxPageBytes; pages still give each turn once.",
		Check: checkPageBytes,
	},
	{
		Name:  "tenant-page-bytes",
		Doc:   "A page of tenants or of versions ends with the one that makes it sdk.MaxPageBytes.",
		Check: checkTenantPageBytes,
	},
}

func tailBytes(n int) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.TailBytes = n }
}

func checkTailBytes(ctx context.Context, env *Env) error {
	const each, turns = 2000, 4 // each is the size of a turn in bytes, in two messages
	c := env.talk("c")
	for i := range turns {
		if _, err := c.turn(ctx, fmt.Sprint(i)+strings.Repeat("x", each/2)); err != nil {
			return err
		}
	}
	begin := func(c talk, messages, bytes int, want []string, cut bool) error {
		attempt := c.env.holder()
		set := func(r *storage.BeginRequest) { r.Attempt = attempt }
		s, err := c.start(ctx, "next", tail(messages), tailBytes(bytes), set)
		if err != nil {
			return err
		}
		// A repeated Begin with the same bound returns the same tail. With a bound of 1 byte, it
		// returns an empty tail.
		again, err := c.start(ctx, "next", tail(messages), tailBytes(bytes), set)
		if err != nil {
			return err
		}
		none, err := c.start(ctx, "next", tail(messages), tailBytes(1), set)
		if err != nil {
			return err
		}
		var wrong []error
		for _, s := range []*storage.Started{s, again} {
			var got []string
			for _, m := range messagesOf(s.Tail) {
				got = append(got, strings.TrimRight(textOf(m), "x"))
			}
			what := fmt.Sprintf("a tail of %d messages within %d bytes", messages, bytes)
			wrong = append(wrong, same(what, got, want))
			if s.TailCut != cut {
				wrong = append(wrong, fmt.Errorf("%s says that it was cut: %t; want %t", what, s.TailCut, cut))
			}
		}
		if len(none.Tail) > 0 || !none.TailCut {
			wrong = append(wrong, fmt.Errorf("a tail within 1 byte has %d turns, and says that it was cut: %t", len(none.Tail), none.TailCut))
		}
		_, err = c.end(ctx, s.Fence, storage.Failed, "")
		return errors.Join(append(wrong, err)...)
	}
	whole := []string{"0", "re: 0", "1", "re: 1", "2", "re: 2", "3", "re: 3"}
	err := errors.Join(
		begin(c, 2*turns, 0, whole, false),
		begin(c, 2*turns, 1<<20, whole, false),
		begin(c, 2*turns, 2*each+each/2, whole[4:], true),
		begin(c, 2*turns, each+each*3/4, whole[6:], true), // the bound fits 1.75 turns, and the tail has whole turns only
		begin(c, 4, 2*each+each/2, whole[4:], false),
		begin(c, 3, 1<<20, whole[4:], false),
		begin(c, 2*turns, each/2, nil, true),
	)
	if err != nil {
		return err
	}
	// This text is longer as JSON than in the protocol. The tail must still not exceed the bound.
	odd := env.talk("odd")
	for range turns {
		if _, err := odd.turn(ctx, strings.Repeat("\u0001\"", each/4)); err != nil {
			return err
		}
	}
	s, err := odd.start(ctx, "next", tail(2*turns), tailBytes(2*each))
	if err != nil {
		return err
	}
	if size := storage.Size(messagesOf(s.Tail)); size > 2*each || !s.TailCut {
		return fmt.Errorf("a tail within %d bytes has %d, and says that it was cut: %t", 2*each, size, s.TailCut)
	}
	return nil
}

func checkPageBytes(ctx context.Context, env *Env) error {
	const turns, fit = 3, 2
	text := strings.Repeat("x", sdk.MaxPageBytes/fit/2) // each turn contains the text twice
	c := env.talk("c")
	for range turns {
		if _, err := c.turn(ctx, text); err != nil {
			return err
		}
	}
	for _, all := range []bool{false, true} {
		page, err := env.Storage.Read(ctx, &storage.ReadRequest{Call: c.call, Limit: 10, All: all})
		if err != nil {
			return fmt.Errorf("read (all: %t): %w", all, err)
		}
		if n := len(page.Turns); n < 1 || n > fit || !page.More {
			return fmt.Errorf("read (all: %t): a page has %d turns of %d bytes each, more: %t; want 1 to %d, and more", all, n, 2*len(text), page.More, fit)
		}
		if err := c.pages(ctx, selection(all), 10, turns); err != nil {
			return err
		}
	}
	return nil
}

func checkTenantPageBytes(ctx context.Context, env *Env) error {
	const versions, fit = 3, 2
	registry, err := env.tenantStore(0)
	if err != nil {
		return err
	}
	large := func(r *storage.PutTenantRequest) { r.Document = make([]byte, sdk.MaxPageBytes/fit) }
	var ids []string
	for i := range versions {
		t := env.registered(fmt.Sprint(i))
		if _, err := t.put(ctx, 0, large); err != nil {
			return err
		}
		ids = append(ids, t.id)
	}
	first := registered{env: env, id: ids[0]}
	for i := range versions - 1 {
		if _, err := first.put(ctx, int64(i+1), large); err != nil {
			return err
		}
	}
	history, err := registry.TenantHistory(ctx, first.id, 0, 10)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	// All ids of the rule begin with the same prefix, so that no other tenant's id is between them.
	list, err := registry.ListTenants(ctx, ids[0][:len(ids[0])-1], 10)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	for what, page := range map[string]*storage.RegistrationPage{"of the history": history, "of tenants": list} {
		if n := len(page.Registrations); n < 1 || n > fit || !page.More {
			return fmt.Errorf("a page %s has %d entries of %d bytes each, more: %t; want 1 to %d, and more", what, n, sdk.MaxPageBytes/fit, page.More, fit)
		}
	}
	all, err := first.history(ctx, 10)
	if err != nil || len(all) != versions {
		return errors.Join(fmt.Errorf("the pages of the history have %d versions; want %d", len(all), versions), err)
	}
	var listed []string
	for after := ids[0][:len(ids[0])-1]; len(listed) < versions; {
		page, err := registry.ListTenants(ctx, after, 10)
		if err != nil || len(page.Registrations) == 0 {
			return errors.Join(fmt.Errorf("the list after %q ends", after), err)
		}
		for _, r := range page.Registrations {
			after = r.Tenant
			listed = append(listed, after)
		}
	}
	if !slices.Equal(listed[:versions], ids) {
		return fmt.Errorf("listed are %q; want %q", listed[:versions], ids)
	}
	return nil
}
