package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var branchRules = []Rule{
	{
		Name:  "branch",
		Doc:   "A branch begins as a copy of the source's succeeded turns up to a number, as its own turns from 1 on, and both go on apart.",
		Check: checkBranch,
	},
	{
		Name:  "branch-retracted",
		Doc:   "A branch has no retracted turns, and none of the failed ones.",
		Check: checkBranchRetracted,
	},
	{
		Name:  "branch-repeat",
		Doc:   "A repeated Branch changes nothing and returns the first result, and another one for the same conversation is a conflict.",
		Check: checkBranchRepeat,
	},
	{
		Name:  "branch-refused",
		Doc:   "A source that does not exist is not found, so is another user's with Owned, and a number that no turn has is a conflict at through; nothing is made.",
		Check: checkBranchRefused,
	},
	{
		Name:  "branch-deleted",
		Doc:   "A branch outlives its source, and what a deleted user wrote goes from it too.",
		Check: checkBranchDeleted,
	},
}

// branch makes the conversation as a branch of the source. set may change the request.
func (t talk) branch(ctx context.Context, source talk, through int64, set ...func(*storage.BranchRequest)) (*storage.BranchResult, error) {
	b, ok := t.storage().(storage.Brancher)
	if !ok {
		return nil, ErrSkip
	}
	req := &storage.BranchRequest{Call: t.call, Source: source.call.Conversation, Through: through}
	for _, change := range set {
		change(req)
	}
	res, err := b.Branch(ctx, req)
	if fault.Is(err, fault.Unsupported) {
		return nil, ErrSkip
	}
	return res, err
}

// entry returns the conversation's entry in the list of the tenant.
func (t talk) entry(ctx context.Context) (storage.Conversation, error) {
	all, err := t.env.list(ctx, t.tenant(), 100)
	if err != nil {
		return storage.Conversation{}, err
	}
	for _, c := range all {
		if c.ID == t.call.Conversation {
			return c, nil
		}
	}
	return storage.Conversation{}, fmt.Errorf("%q is not listed", t.call.Conversation)
}

func checkBranch(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	source, branch := env.talk("source").as(ann), env.talk("branch").as(bob).via(1)
	for i := range 3 {
		t := source
		if i == 1 {
			t = source.as(bob)
		}
		s, err := t.start(ctx, fmt.Sprint("m", i+1), key(fmt.Sprint("k", i+1), "d"), func(r *storage.BeginRequest) {
			r.Messages, r.Metadata = append(r.Messages, said("and more")), json.RawMessage(`{"a": 1}`)
		})
		if err != nil {
			return err
		}
		if _, err := env.Storage.Commit(ctx, &storage.CommitRequest{Call: t.call, Fence: s.Fence, State: storage.Succeeded, Messages: []storage.Message{reply("x")},
			Usage: json.RawMessage(`{"input_tokens": 3}`), Record: json.RawMessage(`{"model": "m"}`)}); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	before, err := source.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	made, err := branch.branch(ctx, source, 2)
	if err != nil {
		return err
	}
	if made.Turns != 2 || made.Through != 2 || made.Incarnation == "" {
		return fmt.Errorf("branch through 2: %+v; want 2 turns through 2, and an incarnation", *made)
	}
	log, err := branch.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	for i := range log {
		log[i].Key = "" // a storage may keep the key, or not
	}
	wanted, err := source.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if err := sameTurns("the source after the branch", wanted, before); err != nil {
		return err
	}
	for i := range wanted {
		wanted[i].Key = ""
	}
	if err := sameTurns("the branch", log, wanted[:2]); err != nil {
		return err
	}
	entry, err := branch.entry(ctx)
	if err != nil {
		return err
	}
	if entry.User != bob || entry.Turns != 2 || entry.BranchOf != source.call.Conversation || entry.BranchAt != 2 || entry.Incarnation != made.Incarnation {
		return fmt.Errorf("listed is %+v; want a branch of %q at 2 of user %q, with 2 turns and incarnation %q", entry, source.call.Conversation, bob, made.Incarnation)
	}
	for i, t := range []talk{branch, source} {
		// The keys of the source's turns replay nothing in the branch.
		s, err := t.start(ctx, "next", tail(100), key("k1", []string{"other", "d"}[i]))
		if i == 1 {
			s, err = t.start(ctx, "next", tail(100))
		}
		if err != nil {
			return err
		}
		if want := int64(3 + i); s.Sequence != want || len(s.Tail) != int(want)-1 {
			return fmt.Errorf("the next turn of %q has sequence %d and %d turns before it; want %d", t.call.Conversation, s.Sequence, len(s.Tail), want)
		}
		if n, err := t.end(ctx, s.Fence, storage.Succeeded, "next"); err != nil || n != int64(3+i) {
			return fmt.Errorf("commit in %q: number %d, error %v; want %d", t.call.Conversation, n, err, 3+i)
		}
	}
	whole := env.talk("whole")
	if made, err := whole.branch(ctx, source, 0); err != nil || made.Turns != 4 || made.Through != 4 {
		return fmt.Errorf("branch of the whole source: %+v, error %w; want 4 turns through 4", made, err)
	}
	return nil
}

func checkBranchRetracted(ctx context.Context, env *Env) error {
	source, branch := env.talk("source"), env.talk("branch")
	if _, err := branch.branch(ctx, source, 0); errors.Is(err, ErrSkip) || !env.retracts() {
		return ErrSkip
	}
	for i := range 4 {
		var set []func(*storage.BeginRequest)
		if i == 3 {
			set = append(set, retractFrom(2))
		}
		if _, err := source.turn(ctx, fmt.Sprint("m", i+1), set...); err != nil {
			return err
		}
		s, err := source.start(ctx, "fails")
		if err != nil {
			return err
		}
		if _, err := source.end(ctx, s.Fence, storage.Failed, ""); err != nil {
			return err
		}
	}
	_, err := branch.branch(ctx, source, 3)
	if err := refused("branch through a retracted turn", fault.Conflict, err); err != nil {
		return err
	}
	if _, err := source.start(ctx, "runs"); err != nil {
		return err
	}
	made, err := branch.branch(ctx, source, 0)
	if err != nil {
		return err
	}
	if made.Turns != 2 || made.Through != 4 {
		return fmt.Errorf("branch of a source with retracted turns: %+v; want 2 turns through 4", *made)
	}
	s, err := branch.turn(ctx, "next", tail(100))
	if err != nil {
		return err
	}
	if err := same("what the branch has", tailTexts(s), []string{"m1", "re: m1", "m4", "re: m4"}); err != nil {
		return err
	}
	return errors.Join(branch.numbers(ctx, 1, 2, 3), branch.hasHistory(ctx, "the turns of the branch", "1 1 succeeded", "2 2 succeeded", "3 3 succeeded"))
}

func checkBranchRepeat(ctx context.Context, env *Env) error {
	source, other, branch := env.talk("source"), env.talk("other"), env.talk("branch")
	for _, t := range []talk{source, source, other} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	made := make([]*storage.BranchResult, 8)
	err := together(len(made), func(i int) (err error) {
		made[i], err = branch.via(i).branch(ctx, source, 0)
		return err
	})
	if errors.Is(err, ErrSkip) {
		return ErrSkip
	}
	if err != nil {
		return fmt.Errorf("8 equal branches at once: %w", err)
	}
	for _, m := range made {
		if *m != *made[0] || m.Turns != 2 {
			return fmt.Errorf("equal branches at once returned %+v and %+v; want 2 turns in both", *made[0], *m)
		}
	}
	for _, t := range []talk{source, branch} {
		if _, err := t.turn(ctx, "later"); err != nil {
			return err
		}
	}
	for _, through := range []int64{0, 2} {
		again, err := branch.branch(ctx, source, through)
		if err != nil || *again != *made[0] {
			return fmt.Errorf("branch again through %d, after turns in both: %+v, error %w; want %+v", through, again, err, *made[0])
		}
	}
	var wrong []error
	_, err = branch.branch(ctx, source, 1)
	wrong = append(wrong, refused("branch through another number", fault.Conflict, err))
	_, err = branch.branch(ctx, other, 0)
	wrong = append(wrong, refused("branch of another source", fault.Conflict, err))
	_, err = other.branch(ctx, source, 0)
	wrong = append(wrong, refused("branch into a conversation that is none", fault.Conflict, err))
	return errors.Join(append(wrong, branch.numbers(ctx, 1, 2, 3), other.numbers(ctx, 1))...)
}
