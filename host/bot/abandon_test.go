package bot

import (
	"context"
	"runtime"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// breaks are ways in which a function does not return to its caller.
var breaks = map[string]func(){
	"panic":  func() { panic("broken") },
	"goexit": runtime.Goexit,
}

func TestAbandon(t *testing.T) {
	for how, breakOff := range breaks {
		for where, c := range map[string]struct {
			bot  func(s storage.Storage) *Bot
			emit func(string) error
			want storage.State
			text string
		}{
			"emit": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Part: chat.Part{Text: "par"}, Usage: chat.Usage{OutputTokens: 3}}))
				},
				func(string) error { breakOff(); return nil }, storage.Interrupted, "assistant:par|",
			},
			"model": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, funcLLM(func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
						if err := emit(llm.Delta{Part: chat.Part{Text: "par"}, Usage: chat.Usage{OutputTokens: 3}}); err != nil {
							return nil, err
						}
						breakOff()
						return nil, nil
					}))
				}, nil, storage.Failed, "assistant:par|",
			},
			"recall": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, nil, func(p *Parts) {
						p.Memory = recalling(func() ([]chat.Message, error) { breakOff(); return nil, nil })
					})
				}, nil, storage.Failed, "",
			},
			"commit": {
				func(s storage.Storage) *Bot {
					return newTestBot(&breakingStorage{Storage: s, breakOff: breakOff}, says(&llm.Finish{}, nil, llm.Delta{Part: chat.Part{Text: "par"}, Usage: chat.Usage{OutputTokens: 3}}))
				}, nil, storage.Failed, "assistant:par|",
			},
		} {
			t.Run(how+" in "+where, func(t *testing.T) {
				s := &logStorage{}
				b := c.bot(s)
				held := 0
				b.Hold = func(string) func() { held++; return func() { held-- } }
				done := make(chan any)
				go func() {
					returned := false
					defer func() {
						r := recover()
						if returned {
							r = "it returned"
						}
						done <- r
					}()
					_, _ = b.Chat(context.Background(), hi, c.emit)
					returned = true
				}()
				want := any(nil)
				if how == "panic" {
					want = "broken"
				}
				if got := <-done; got != want {
					t.Errorf("it went on with %v; want %v", got, want)
				}
				last := s.last(t)
				if last.State != c.want || texts(decoded(last.Messages...)) != c.text || c.text != "" && usageOf(last.Usage).OutputTokens != 3 || len(last.Record) == 0 {
					t.Errorf("%+v", last)
				}
				if held != 0 || b.Admission.Turns() != 0 || s.isRunning(t) {
					t.Errorf("%d leases, %d admitted, running: %t", held, b.Admission.Turns(), s.isRunning(t))
				}
				if r, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Text("ok")), func(p *Parts) { p.Admission = b.Admission }).Chat(context.Background(), hi, nil); err != nil || r.Turn != 1 {
					t.Errorf("the next turn: %+v, %v", r, err)
				}
			})
		}
	}
}

// breakingStorage is a storage whose first Commit calls breakOff.
type breakingStorage struct {
	storage.Storage
	breakOff func()
	broke    bool
}

func (s *breakingStorage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if !s.broke {
		s.broke = true
		s.breakOff()
	}
	return s.Storage.Commit(ctx, req)
}
