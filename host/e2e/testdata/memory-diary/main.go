// Command botyard-memory-diary is the memory plugin "diary" of the tests: it writes down what it is
// told of conversations, into files of a folder that the plugins of several hosts may share, and
// recalls all of it.
//
// The file TENANT/INCARNATION/CONVERSATION-INCARNATION.json of the folder has what is kept of a
// conversation, and TENANT/work.json what Work was called with. Tests read the files.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// config is the configuration block memory with type = "diary".
type config struct {
	Path    string `json:"path" jsonschema_description:"The folder of the diaries."`
	Chapter string `json:"chapter,omitempty" jsonschema_description:"A part of the store key."`
	Results int    `json:"results,omitempty" jsonschema:"minimum=0,maximum=1000,default=100" jsonschema_description:"How many turns are recalled at most."`
	Scope   string `json:"scope,omitempty" jsonschema:"enum=conversation,enum=tenant,default=conversation" jsonschema_description:"Whether turns of other conversations of the tenant are recalled too."`
	DelayMS int    `json:"delay_ms,omitempty" jsonschema:"minimum=0,maximum=60000" jsonschema_description:"How long each call of Remember takes."`
	Away    string `json:"away,omitempty" jsonschema_description:"While this file exists, every call fails."`
}

type diary struct{ config }

// entry is what is kept of a conversation.
type entry struct {
	Conversation string `json:"conversation"`
	Turns        []note `json:"turns"`
	// Told counts how often each sequence was passed to Remember as a turn.
	Told map[int64]int `json:"told"`
}

type note struct {
	Sequence int64  `json:"sequence"`
	Number   int64  `json:"number"`
	User     string `json:"user"`
	Text     string `json:"text"`
}

func (d *diary) Needs() memory.Needs {
	return memory.Needs{Tail: 2, Recall: true, Remember: true, StoreKey: "diary " + d.Chapter}
}

func (d *diary) here() error {
	if d.Away != "" {
		if _, err := os.Stat(d.Away); err == nil {
			return fault.New(fault.ProviderFailed, "the diary is away")
		}
	}
	return nil
}

// folder returns the folder of a tenant's incarnation.
func (d *diary) folder(call sdk.Call) string {
	return filepath.Join(d.Path, d.Chapter, call.Tenant, "i"+call.Incarnation)
}

// file returns the file of a conversation's incarnation. Its name is of a hash, since the incarnation
// is any text.
func (d *diary) file(call sdk.Call, incarnation string) string {
	return filepath.Join(d.folder(call), fmt.Sprintf("%x", sha256.Sum256([]byte(incarnation)))[:16]+".json")
}

func read(file string) (e entry, err error) {
	e.Told = map[int64]int{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// write replaces the file in one step, so that a plugin that is killed leaves the old or the new one.
func write(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	draft := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, file)
}

func (d *diary) Remember(ctx context.Context, req *memory.RememberRequest) (int64, error) {
	if err := d.here(); err != nil {
		return 0, err
	}
	select {
	case <-time.After(time.Duration(d.DelayMS) * time.Millisecond):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	file := d.file(req.Call, req.Call.ConversationIncarnation)
	e, err := read(file)
	if err != nil {
		return 0, err
	}
	e.Conversation = req.Call.Conversation
	last := req.After
	for _, event := range req.Events {
		last = event.Sequence()
		if r := event.Retraction; r != nil {
			e.Turns = slices.DeleteFunc(e.Turns, func(n note) bool { return n.Number >= r.From && n.Number <= r.To })
			continue
		}
		t := event.Turn
		e.Told[t.Sequence]++
		e.Turns = slices.DeleteFunc(e.Turns, func(n note) bool { return n.Sequence == t.Sequence })
		e.Turns = append(e.Turns, note{t.Sequence, t.Number, t.User, t.Messages[0].Text()})
	}
	return last, write(file, e)
}

func (d *diary) Forget(_ context.Context, call sdk.Call) error {
	if err := d.here(); err != nil {
		return err
	}
	if call.Conversation == "" {
		return os.RemoveAll(d.folder(call))
	}
	file := d.file(call, call.ConversationIncarnation)
	if call.User == "" {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	e, err := read(file)
	if err != nil || len(e.Turns) == 0 {
		return err
	}
	e.Turns = slices.DeleteFunc(e.Turns, func(n note) bool { return n.User == call.User })
	return write(file, e)
}

func (d *diary) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	if err := d.here(); err != nil {
		return nil, err
	}
	out := &memory.Recalled{}
	own := d.file(req.Call, req.Call.ConversationIncarnation)
	files := []string{own}
	if d.Scope == "tenant" {
		var err error
		if files, err = filepath.Glob(filepath.Join(d.folder(req.Call), "*.json")); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		e, err := read(file)
		if err != nil {
			return nil, err
		}
		for _, n := range e.Turns {
			retracted := slices.ContainsFunc(req.Retractions, func(r memory.Retraction) bool {
				return file == own && n.Number >= r.From && n.Number <= r.To
			})
			if !retracted && len(out.Items) < d.Results {
				out.Items = append(out.Items, memory.Item{Message: chat.Text(chat.User, n.Text),
					Turn: &memory.TurnSource{Sequence: n.Sequence, Number: n.Number}, Score: 1})
			}
		}
	}
	return out, nil
}

// Work counts to three, one step a call.
func (d *diary) Work(_ context.Context, call sdk.Call, cursor []byte) ([]byte, bool, error) {
	if err := d.here(); err != nil {
		return nil, false, err
	}
	if len(cursor) >= 3 {
		return cursor, false, nil
	}
	next := append(slices.Clone(cursor), '.')
	return next, len(next) < 3, write(filepath.Join(d.folder(call), "work.txt"), string(next))
}

func main() {
	sdk.Serve(memory.NewPlugin("diary", "0.0.1", func(_ context.Context, cfg config, _ sdk.Env) (*diary, error) {
		return &diary{cfg}, nil
	}))
}
