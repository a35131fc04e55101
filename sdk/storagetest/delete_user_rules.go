package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var deleteUserRules = []Rule{
	{
		Name:  "empty-user",
		Doc:   "Delete of a user empties its turns in conversations that others wrote in: the log stays gapless, others' turns stay as they are, and nothing of the user's is left, replayed or committed.",
		Check: checkEmptyUser,
	},
	{
		Name:  "empty-user-before",
		Doc:   "Delete of a user with a time empties nothing in what was changed since, and leaves other tenants and incarnations alone.",
		Check: checkEmptyUserBefore,
	},
}

// told runs a turn that has metadata, a record, a key and usage, and that ends in the given state.
func (t talk) told(ctx context.Context, text string, state storage.State) error {
	s, err := t.start(ctx, text, key("key of "+text+t.call.Conversation, "d"), func(r *storage.BeginRequest) {
		r.Metadata = json.RawMessage(`{"said": "` + text + `"}`)
	})
	if err != nil {
		return err
	}
	req := &storage.CommitRequest{Call: t.call, Fence: s.Fence, State: state, Messages: []storage.Message{reply(text)},
		Usage: json.RawMessage(`{"input_tokens": 1}`), Record: json.RawMessage(`{"of": "` + text + `"}`)}
	if state != storage.Succeeded {
		req.Reason = "internal: " + text
	}
	_, err = t.storage().Commit(ctx, req)
	return err
}

func checkEmptyUser(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	// Conversation hers belongs to Ann, his to Bob, and ours to the tenant. Ann and Bob write in
	// all three. Conversation alone belongs to Ann, and Bob does not write in it.
	hers, his, ours, alone := env.talk("hers"), env.talk("his"), env.talk("ours"), env.talk("alone")
	for _, t := range []talk{hers.as(ann), his.as(bob), ours.as(""), alone.as(ann)} {
		if err := t.told(ctx, "first", storage.Succeeded); err != nil {
			return err
		}
	}
	if err := alone.as("").told(ctx, "nobody's", storage.Succeeded); err != nil {
		return err
	}
	shared := []talk{hers, his, ours}
	for _, t := range shared {
		for i, state := range []storage.State{storage.Succeeded, storage.Failed, storage.Interrupted} {
			if err := errors.Join(t.as(bob).told(ctx, fmt.Sprint("bob ", i), state), t.as(ann).told(ctx, fmt.Sprint("ann ", i), state)); err != nil {
				return err
			}
		}
		for i := range 4 { // Ann wrote the newest turns
			if err := t.as(ann).told(ctx, fmt.Sprint("ann's newest ", i), storage.Succeeded); err != nil {
				return err
			}
		}
	}
	before := map[string][]storage.Turn{}
	for _, t := range shared {
		log, err := t.log(ctx, everyTurn)
		if err != nil {
			return err
		}
		before[t.call.Conversation] = log
	}
	running, err := his.as(ann).start(ctx, "ann runs", key("key of running", "d"))
	if err != nil {
		return err
	}
	want := int64(0)
	for _, log := range before {
		for _, t := range log {
			if t.User == ann {
				want++
			}
		}
	}
	for _, n := range []storage.Deleted{{Conversations: 1, Turns: 2, Emptied: want + 1}, {}} {
		d, err := env.Storage.Delete(ctx, storage.Scope{Call: alone.as(ann).user()})
		if err != nil || d != n {
			return fmt.Errorf("delete a user: %+v, error %v; want %+v", d, err, n)
		}
	}
	if err := alone.gone(ctx); err != nil {
		return err
	}
	for _, state := range []storage.State{storage.Succeeded, storage.Interrupted} {
		_, err = his.as(ann).end(ctx, running.Fence, state, "ann runs")
		if err := refused("commit of an emptied turn that ran", fault.Conflict, err); err != nil {
			return err
		}
	}
	for i, t := range shared {
		if err := t.via(i).emptied(ctx, ann, before[t.call.Conversation]); err != nil {
			return fmt.Errorf("%q: %w", t.call.Conversation, err)
		}
	}
	all, err := env.list(ctx, hers.tenant(), 100)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.User == ann {
			return fmt.Errorf("%q still belongs to the user that was deleted", c.ID)
		}
	}
	wrote, err := env.listWrote(ctx, hers.as(ann).user(), 100)
	if err != nil {
		return err
	}
	if err := same("what the deleted user wrote", wrote, []string{}); err != nil {
		return err
	}
	_, err = hers.as(ann).begin(ctx, "back", owned)
	if err := refused("begin with Owned in what is the tenant's now", fault.NotFound, err); err != nil {
		return err
	}
	// The user's keys can be used again, and the numbers of new turns continue without a gap.
	for _, t := range shared {
		number := int64(0)
		for _, turn := range before[t.call.Conversation] {
			number = max(number, turn.Number)
		}
		s, err := t.as(ann).start(ctx, "again", key("key of ann 0"+t.call.Conversation, "d"), tail(2))
		if err != nil {
			return fmt.Errorf("a retry with the key of an emptied turn: %w", err)
		}
		for _, said := range tailTexts(s) {
			if strings.Contains(said, "ann") {
				return fmt.Errorf("the tail has what was emptied: %q", tailTexts(s))
			}
		}
		if len(tailTexts(s)) != 2 {
			return fmt.Errorf("the tail is %q; want the newest 2 messages of others", tailTexts(s))
		}
		n, err := t.as(ann).end(ctx, s.Fence, storage.Succeeded, "again")
		if err != nil || n != number+1 {
			return fmt.Errorf("the next turn has number %d, error %v; want %d", n, err, number+1)
		}
	}
	return nil
}

// emptied checks the log after the deletion of the user. before is the log before the deletion. The
// log may have one more turn, which was running during the deletion.
func (t talk) emptied(ctx context.Context, user string, before []storage.Turn) error {
	log, err := t.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	want := make([]storage.Turn, len(before))
	for i, turn := range before {
		if want[i] = turn; turn.User == user {
			want[i] = turn.Emptied(time.Time{})
		}
	}
	if len(log) == len(want)+1 {
		last := log[len(want)]
		if last.State != storage.Interrupted || last.EndedAt.IsZero() {
			return fmt.Errorf("an emptied turn that ran is %s, and ended at %v; want it interrupted", last.State, last.EndedAt)
		}
		if err := same("an emptied turn that ran", last, last.Emptied(last.EndedAt)); err != nil {
			return err
		}
		log = log[:len(want)]
	}
	if err := sameTurns("the log after its user was deleted", log, want); err != nil {
		return err
	}
	succeeded, err := t.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	for i, turn := range succeeded {
		if turn.Number != int64(i+1) {
			return fmt.Errorf("turn %d of those that succeeded has number %d", i+1, turn.Number)
		}
	}
	return nil
}

func checkEmptyUserBefore(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	incarnation := env.id("incarnation")
	living := func(tenant, id string) talk {
		t := env.talkOf(tenant, id)
		t.call.Incarnation = incarnation
		env.talks = append(env.talks, t)
		return t
	}
	old, fresh, foreign := living("", "old"), living("", "fresh"), living("-other", "old")
	elsewhere := env.talk("old") // this conversation is in another incarnation of the tenant
	for _, t := range []talk{old, fresh, foreign, elsewhere} {
		for _, user := range []string{ann, bob} {
			if _, err := t.as(user).turn(ctx, "one"); err != nil {
				return err
			}
		}
	}
	running, err := living("", "runs").as(ann).start(ctx, "runs on")
	if err != nil {
		return err
	}
	tick()
	if _, err := fresh.as(ann).turn(ctx, "two"); err != nil {
		return err
	}
	cut, err := fresh.changed(ctx)
	if err != nil {
		return err
	}
	d, err := env.Storage.Delete(ctx, storage.Scope{Call: old.as(ann).user(), Before: cut})
	if err != nil || d.Emptied != 1 || d.Conversations != 0 {
		return fmt.Errorf("delete what is old of a user: %+v, error %v; want one turn emptied", d, err)
	}
	if _, err := living("", "runs").as(ann).end(ctx, running.Fence, storage.Succeeded, "runs on"); err != nil {
		return fmt.Errorf("commit of a turn that was spared: %w", err)
	}
	for _, t := range []talk{fresh, foreign, elsewhere} {
		log, err := t.log(ctx, everyTurn)
		if err != nil {
			return err
		}
		if log[0].User != ann || len(log[0].Messages) != 2 {
			return fmt.Errorf("a turn that was to be spared, in %+v: %+v", t.call, log[0])
		}
	}
	log, err := old.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if log[0].User != "" || len(log[0].Messages) != 0 || len(log[1].Messages) != 2 {
		return fmt.Errorf("an old turn was to be emptied, and the next to stay: %+v", log)
	}
	return nil
}
