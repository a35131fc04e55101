package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func checkBranchRefused(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	source, branch := env.talk("source").as(ann), env.talk("branch").as(bob)
	if _, err := source.turn(ctx, "one"); err != nil {
		return err
	}
	owned := func(r *storage.BranchRequest) { r.Owned = true }
	for _, try := range []struct {
		what    string
		class   fault.Class
		source  talk
		through int64
		set     func(*storage.BranchRequest)
	}{
		{"a source that does not exist", fault.NotFound, env.talk("none"), 0, nil},
		{"a source of another tenant", fault.NotFound, env.talk("foreign"), 0, nil},
		{"a source of another user", fault.NotFound, source, 0, owned},
		{"a number beyond the last", fault.Conflict, source, 2, nil},
		{"a negative number", fault.Invalid, source, -1, nil},
		{"itself as the source", fault.Invalid, branch, 0, nil},
		{"no source", fault.Invalid, source, 0, func(r *storage.BranchRequest) { r.Source = "" }},
		{"no conversation", fault.Invalid, source, 0, func(r *storage.BranchRequest) { r.Call.Conversation = "" }},
		{"Owned and no user", fault.Invalid, source, 0, func(r *storage.BranchRequest) { r.Owned, r.Call.User = true, "" }},
	} {
		if try.what == "a source of another tenant" {
			if _, err := env.talkOf("-b", "foreign").turn(ctx, "one"); err != nil {
				return err
			}
		}
		if try.set == nil {
			try.set = func(*storage.BranchRequest) {}
		}
		_, err := branch.branch(ctx, try.source, try.through, try.set)
		if errors.Is(err, ErrSkip) {
			return err
		}
		if err := refused("branch with "+try.what, try.class, err); err != nil {
			return err
		}
		if path := fault.Of(err).Path.String(); try.class == fault.Conflict && path != "through" {
			return fmt.Errorf("branch with %s is a conflict at %q; want it at \"through\"", try.what, path)
		}
	}
	if err := branch.gone(ctx); err != nil {
		return fmt.Errorf("after refused branches: %w", err)
	}
	if _, err := branch.as(ann).branch(ctx, source, 1, owned); err != nil {
		return fmt.Errorf("branch with Owned by the owner: %w", err)
	}
	return nil
}

func checkBranchDeleted(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	source, branch := env.talk("source").as(ann), env.talk("branch").as(bob)
	for _, t := range []talk{source, source.as(bob)} {
		if _, err := t.turn(ctx, "said by "+t.call.User); err != nil {
			return err
		}
	}
	if _, err := branch.branch(ctx, source, 0); err != nil {
		return err
	}
	if err := env.delete(ctx, "the source", storage.Scope{Call: source.call}, 1); err != nil {
		return err
	}
	if err := branch.numbers(ctx, 1, 2); err != nil {
		return fmt.Errorf("after the deletion of the source: %w", err)
	}
	wrote, err := env.listWrote(ctx, branch.as(ann).user(), 100)
	if err != nil {
		return err
	}
	if err := same("what the user of a copied turn wrote", wrote, []string{fmt.Sprintf("%s of %s shared true", branch.call.Conversation, bob)}); err != nil {
		return err
	}
	if d, err := env.Storage.Delete(ctx, storage.Scope{Call: branch.as(ann).user()}); err != nil || d.Emptied != 1 {
		return fmt.Errorf("delete the user of a copied turn: %+v, error %v; want 1 turn emptied", d, err)
	}
	s, err := branch.turn(ctx, "next", tail(100))
	if err != nil {
		return err
	}
	return same("what is left in the branch", tailTexts(s), []string{"said by " + bob, "re: said by " + bob})
}
