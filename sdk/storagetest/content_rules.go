package storagetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var contentRules = []Rule{
	{
		Name:  "text",
		Doc:   "Text comes back as it was, and ids that look alike stay apart.",
		Check: checkText,
	},
	{
		Name:  "nul",
		Doc:   "NUL in a text or an id is stored as it is, or refused as invalid.",
		Check: checkNUL,
	},
	{
		Name:  "large",
		Doc:   "Messages of 1 MiB come back whole, from Read and in the tail.",
		Check: checkLarge,
	},
	{
		Name:  "parts",
		Doc:   "Every type of part, and several in one message, come back as they were.",
		Check: checkParts,
	},
	{
		Name:  "unknown",
		Doc:   "A body of any bytes, and members of usage, record and metadata that nobody knows, come back as they were.",
		Check: checkUnknown,
	},
	{
		Name:  "record",
		Doc:   "User, key, metadata, record, usage and times of a turn come back.",
		Check: checkRecord,
	},
}

// echo runs a turn with the given messages. It checks that Read, a replay and the tail of the next
// turn return the messages unchanged.
func (t talk) echo(ctx context.Context, user storage.Message, replies ...storage.Message) error {
	key := t.env.holder() // a key that no other turn uses
	set := func(r *storage.BeginRequest) { r.Messages, r.Key = []storage.Message{user}, key }
	s, err := t.start(ctx, "", set)
	if err != nil {
		return err
	}
	req := &storage.CommitRequest{Call: t.call, Fence: s.Fence, State: storage.Succeeded, Messages: replies}
	if _, err := t.storage().Commit(ctx, req); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	wanted := append([]storage.Message{user}, replies...)
	log, err := t.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	if len(log) != 1 {
		return fmt.Errorf("the log has %d turns; want 1", len(log))
	}
	if err := sameMessages("messages as read", log[0].Messages, wanted); err != nil {
		return err
	}
	res, err := t.begin(ctx, "", set)
	if err := want("begin again with the key", "replay", res, err); err != nil {
		return err
	}
	if err := sameMessages("messages as replayed", res.Replay.Messages, wanted); err != nil {
		return err
	}
	next, err := t.start(ctx, "next", tail(len(wanted)))
	if err != nil {
		return err
	}
	return sameMessages("messages in the tail", messagesOf(next.Tail), wanted)
}

func checkText(ctx context.Context, env *Env) error {
	for i, text := range []string{
		"", " ", "\n\t leading and trailing \r\n", "Zażółć gęślą jaźń", "日本語 \U0001F469\u200D\U0001F680",
		"e\u0301 is not \u00e9", "\u202eright to left", "\u0001\u001f\u007f\ufeff\ufffd\U0010FFFF", `'; DROP TABLE turns; -- "\%_`, "{{.Secret}} ${env:HOME}", `{"json": null}`,
	} {
		if err := env.talk(fmt.Sprint(i)).echo(ctx, said(text), reply(text)); err != nil {
			return fmt.Errorf("text %+q: %w", text, err)
		}
	}
	alike := []string{
		"x", "X", "x ", " x", "x\t", "e\u0301", "\u00e9", "x%", "x_", "x'", `x\`, "x/y", "..", "\U0001F600", strings.Repeat("x", 200),
	}
	for _, id := range alike {
		if _, err := env.talk(id).turn(ctx, "in "+id); err != nil {
			return fmt.Errorf("id %+q: %w", id, err)
		}
	}
	for _, id := range alike {
		log, err := env.talk(id).log(ctx, succeededOnly)
		if err != nil {
			return fmt.Errorf("id %+q: %w", id, err)
		}
		if len(log) != 1 || textOf(log[0].Messages[0]) != "in "+id {
			return fmt.Errorf("id %+q shares its turns with another id: %d turns", id, len(log))
		}
	}
	return nil
}

func checkNUL(ctx context.Context, env *Env) error {
	refusedOr := func(what string, err error) error {
		if err == nil || fault.Is(err, fault.Invalid) {
			return nil
		}
		return fmt.Errorf("NUL in %s: %w; want it stored, or %s", what, err, fault.Invalid)
	}
	if err := refusedOr("the user's message", env.talk("c").echo(ctx, said("a\x00b"), reply(""))); err != nil {
		return err
	}
	id := env.talk("d\x00e")
	s, err := id.start(ctx, "one")
	if err := refusedOr("an id", err); err != nil {
		return err
	}
	if err == nil {
		if _, err := id.end(ctx, s.Fence, storage.Succeeded, "one"); err != nil {
			return fmt.Errorf("NUL in an id: %w", err)
		}
		all, err := env.list(ctx, id.tenant(), 10)
		if err != nil {
			return err
		}
		for _, c := range all {
			if strings.HasPrefix(c.ID, env.id("d")) && c.ID != id.call.Conversation {
				return fmt.Errorf("NUL in an id: it is listed as %q", c.ID)
			}
		}
	}
	if _, ok := env.Storage.(storage.Importer); ok {
		t, turns := env.talk("import"), ended(1)
		turns[0].Messages[1] = reply("a\x00b")
		_, err := t.tryLoad(ctx, turns)
		if err := refusedOr("an imported turn", err); err != nil {
			return err
		}
		if err == nil {
			log, err := t.log(ctx, everyTurn)
			if err != nil {
				return err
			}
			if err := sameTurns("an imported turn with NUL", log, turns); err != nil {
				return err
			}
		}
	}
	r := env.talk("reply")
	s, err = r.start(ctx, "one")
	if err != nil {
		return err
	}
	_, err = r.end(ctx, s.Fence, storage.Succeeded, "a\x00b")
	if err := refusedOr("the reply", err); err != nil || fault.Is(err, fault.Invalid) {
		return err
	}
	if err != nil { // the turn still runs after the refused commit, and another commit can end it
		_, err = r.end(ctx, s.Fence, storage.Failed, "")
		return err
	}
	log, err := r.log(ctx, succeededOnly)
	if err != nil || len(log) != 1 {
		return fmt.Errorf("NUL in the reply: %d turns, error %v; want 1", len(log), err)
	}
	return sameMessages("a reply with NUL", log[0].Messages[1:], []storage.Message{reply("a\x00b")})
}

func checkLarge(ctx context.Context, env *Env) error {
	big := strings.Repeat("0123456789abcde\n", 1<<16) + "end"
	blob := storage.EncodeMessage(chat.Message{Role: chat.User, Parts: []chat.Part{
		{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: bytes.Repeat([]byte{0, 255, 10, 13}, 1<<17)}},
	}})
	if err := env.talk("text").echo(ctx, said(big), reply(big)); err != nil {
		return err
	}
	return env.talk("image").echo(ctx, blob, reply(""))
}

func checkParts(ctx context.Context, env *Env) error {
	user := chat.Message{Role: chat.User, Parts: []chat.Part{
		{Text: "what is "}, {Text: ""}, {Text: "this?"},
		{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 1, 2, 0xff}}},
		{Media: &chat.Media{Kind: chat.Image, URL: "https://example.com/a.png?b=c&d"}},
	}}
	replies := storage.EncodeMessages(
		chat.Message{Role: chat.Assistant, Parts: []chat.Part{
			{Reasoning: &chat.Reasoning{Text: "look it up"}, State: &chat.ProviderState{Data: []byte{0xde, 0xad, 0}}},
			{Text: "I will look."},
			{ToolCall: &chat.ToolCall{ID: "call-1", Name: "lookup", Arguments: `{"z": 1, "a": [1.0, "x"]}`}},
			{ToolCall: &chat.ToolCall{ID: "call-2", Name: "lookup", Arguments: `{}`}},
		}},
		chat.Message{Role: chat.Tool, Parts: []chat.Part{
			{ToolResult: &chat.ToolResult{ToolCallID: "call-1", Name: "lookup", Parts: []chat.Part{
				{Text: "a cat"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/gif", Data: []byte("GIF")}},
			}}},
			{ToolResult: &chat.ToolResult{ToolCallID: "call-2", IsError: true, Parts: []chat.Part{{Text: "no such thing"}}}},
		}},
		chat.Text(chat.System, "a note in between"))
	return env.talk("c").echo(ctx, storage.EncodeMessage(user), append(replies, reply("a cat"))...)
}

// checkUnknown stores bodies that no host of this version writes: a storage that parsed them would
// lose or refuse something.
func checkUnknown(ctx context.Context, env *Env) error {
	later := []byte("\x08\x63\x12\x05\x0a\x03new\xa2\x06\x07unknown") // role 99, a text, and the field 100
	backward := []byte("\x12\x05\x0a\x03new\x08\x02")                 // the fields of a message in another order
	bodies := [][]byte{later, backward, {}, {0}, []byte("a\x00\xff\xfe"), []byte(`{"role": "user"}`), bytes.Repeat([]byte{0x80}, 1000)}
	for i, body := range bodies {
		err := env.talk(fmt.Sprint(i)).echo(ctx, storage.Message{Body: body}, storage.Message{Body: bodies[(i+1)%len(bodies)], Text: "a text"},
			storage.Message{Body: body, Text: "another text"})
		if err != nil {
			return fmt.Errorf("a body %q: %w", body[:min(len(body), 40)], err)
		}
	}
	c := env.talk("json")
	object := json.RawMessage(`{"input_tokens": 3, "of_later": {"n": [1.5, "x", null, true]}}`)
	s, err := c.start(ctx, "one", func(r *storage.BeginRequest) { r.Metadata = object })
	if err != nil {
		return err
	}
	_, err = env.Storage.Commit(ctx, &storage.CommitRequest{Call: c.call, Fence: s.Fence, State: storage.Succeeded,
		Messages: []storage.Message{reply("one")}, Usage: object, Record: object})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil || len(log) != 1 {
		return fmt.Errorf("%d turns, error %v; want 1", len(log), err)
	}
	for what, got := range map[string]json.RawMessage{"metadata": log[0].Metadata, "usage": log[0].Usage, "record": log[0].Record} {
		if err := sameJSON(what, got, object); err != nil {
			return err
		}
	}
	if _, ok := env.Storage.(storage.Importer); !ok {
		return nil
	}
	moved, turns := env.talk("import"), ended(1)
	turns[0].Messages = []storage.Message{{Body: later}, {Body: backward, Text: "new"}}
	turns[0].Metadata, turns[0].Usage, turns[0].Record = object, object, object
	if err := moved.load(ctx, turns, 1); err != nil {
		return err
	}
	if log, err = moved.log(ctx, everyTurn); err != nil {
		return err
	}
	return sameTurns("an imported turn of a later version", log, turns)
}

func checkRecord(ctx context.Context, env *Env) error {
	c := env.talk("c")
	metadata, usage, record := `{"b": 1, "a": {"x": [null, "ü"]}}`, `{"input_tokens": 1099511627776, "details": {"searches": 3}}`, `{"model": "m", "timings": {"llm": 0.25}}`
	s, err := c.start(ctx, "one", key("k", "d"), func(r *storage.BeginRequest) { r.Metadata = json.RawMessage(metadata) })
	if err != nil {
		return err
	}
	_, err = env.Storage.Commit(ctx, &storage.CommitRequest{
		Call: c.call, Fence: s.Fence, State: storage.Succeeded,
		Messages: []storage.Message{reply("one")}, Usage: json.RawMessage(usage), Record: json.RawMessage(record),
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if _, err := c.as("").turn(ctx, "bare"); err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if len(log) != 2 {
		return fmt.Errorf("the log has %d turns; want 2", len(log))
	}
	full, bare := log[0], log[1]
	if full.User != c.call.User || full.Key != "k" {
		return fmt.Errorf("the turn came back with user %q and key %q; want %q and \"k\"", full.User, full.Key, c.call.User)
	}
	if full.StartedAt.IsZero() || full.EndedAt.Before(full.StartedAt) {
		return fmt.Errorf("the turn was started at %v and ended at %v", full.StartedAt, full.EndedAt)
	}
	for what, pair := range map[string][2]string{
		"metadata": {string(full.Metadata), metadata}, "record": {string(full.Record), record}, "usage": {string(full.Usage), usage},
	} {
		if err := sameJSON(what, []byte(pair[0]), []byte(pair[1])); err != nil {
			return err
		}
	}
	if bare.User != "" || bare.Key != "" || len(bare.Metadata) != 0 || len(bare.Record) != 0 || len(bare.Usage) != 0 {
		return fmt.Errorf("a turn without them came back with user %q, key %q, metadata %q, record %q and usage %q",
			bare.User, bare.Key, bare.Metadata, bare.Record, bare.Usage)
	}
	return nil
}
