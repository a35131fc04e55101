package buffer

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/memorytest"
	"github.com/botyard/botyard/sdk/schema"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBuffer_conformance(t *testing.T) {
	for _, n := range []int{0, 1, 10, 20, memory.MaxTail} {
		open := func(context.Context) (memory.Memory, error) { return New(Config{MaxMessages: n}) }
		if err := memorytest.Test(t.Context(), open); err != nil {
			t.Errorf("max_messages %d: %v", n, err)
		}
	}
}

func TestBuffer_Needs(t *testing.T) {
	b, err := New(Config{MaxMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.Needs(), (memory.Needs{Tail: 10}); got != want {
		t.Errorf("needs %+v; want %+v", got, want)
	}
}

func TestBuffer_Recall_cutsLongerTails(t *testing.T) {
	b, err := New(Config{MaxMessages: 3})
	if err != nil {
		t.Fatal(err)
	}
	var tail []memory.Turn
	for n := range int64(3) {
		tail = append(tail, memory.Turn{Sequence: 2*n + 1, Number: n + 1,
			Messages: []chat.Message{chat.Text(chat.User, fmt.Sprint(n+1)), chat.Text(chat.Assistant, fmt.Sprint("re: ", n+1))}})
	}
	got, err := b.Recall(t.Context(), &memory.RecallRequest{Tail: tail})
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, i := range got.Items {
		items = append(items, fmt.Sprintf("%s of turn %d, number %d", i.Message.Text(), i.Turn.Sequence, i.Turn.Number))
	}
	want := []string{"re: 2 of turn 3, number 2", "3 of turn 5, number 3", "re: 3 of turn 5, number 3"}
	if !slices.Equal(items, want) {
		t.Errorf("recalled %q; want %q", items, want)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		block string
		max   int // expected value of max_messages; -1 if the block is invalid
		path  string
	}{
		{`{}`, 20, ""},
		{`{"max_messages": 10}`, 10, ""},
		{`{"max_messages": 0}`, 0, ""},
		{`{"max_messages": 10000}`, 10000, ""},
		{`{"max_messages": 10001}`, -1, "max_messages"},
		{`{"max_messages": -1}`, -1, "max_messages"},
		{`{"max_messages": "10"}`, -1, "max_messages"},
		{`{"max_message": 10}`, -1, ""},
	} {
		t.Run(c.block, func(t *testing.T) {
			var cfg Config
			err := schema.Decode(Plugin().Info.ConfigSchema, []byte(c.block), &cfg)
			if err == nil {
				_, err = New(cfg)
			}
			switch {
			case c.max >= 0 && (err != nil || cfg.MaxMessages != c.max):
				t.Errorf("%+v, %v; want %d", cfg, err, c.max)
			case c.max < 0 && (!fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != c.path):
				t.Errorf("%v; want it invalid at %s", err, c.path)
			}
		})
	}
}
