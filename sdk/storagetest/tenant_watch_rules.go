package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var tenantWatchRules = []Rule{
	{
		Name:  "watch",
		Doc:   "A watch calls at its start, and after every change, by whatever instance.",
		Check: checkWatch,
	},
	{
		Name:  "watch-busy",
		Doc:   "A change that is made while the call of another runs is told by a call after it.",
		Check: checkWatchBusy,
	},
	{
		Name:  "watch-ends",
		Doc:   "A watch ends with its context, and with the error of what it calls.",
		Check: checkWatchEnds,
	},
}

// watching is a running WatchTenants. calls gets the time of each call of changed.
type watching struct {
	calls chan time.Time
	ended chan error
	stop  context.CancelFunc
}

// watch starts WatchTenants on opened storage at, and waits for the first call of changed. It
// returns [ErrSkip] if the storage never reports changes. changed may be nil.
func (e *Env) watch(ctx context.Context, at int, changed func() error) (*watching, error) {
	watcher, ok := e.any(at).(storage.TenantWatcher)
	if !ok {
		return nil, ErrSkip
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watching{calls: make(chan time.Time, 1000), ended: make(chan error, 1), stop: cancel}
	go func() {
		w.ended <- watcher.WatchTenants(ctx, func() error {
			select {
			case w.calls <- time.Now():
			default:
			}
			if changed != nil {
				return changed()
			}
			return nil
		})
	}()
	select {
	case <-w.calls:
		return w, nil
	case err := <-w.ended:
		cancel()
		if fault.Is(err, fault.Invalid) {
			return nil, ErrSkip
		}
		return nil, fmt.Errorf("the watch ended before its first call: %w", orNil(err))
	case <-time.After(noticeTimeout):
		cancel()
		return nil, errors.Join(fmt.Errorf("the watch did not call at its start within %v", noticeTimeout), w.end())
	}
}

func orNil(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}

// after waits for a call of changed that happened after start.
func (w *watching) after(what string, start time.Time) error {
	timeout := time.After(noticeTimeout)
	for {
		select {
		case at := <-w.calls:
			if at.After(start) {
				return nil
			}
		case err := <-w.ended:
			w.ended <- err
			return fmt.Errorf("the watch ended before %s was noticed: %w", what, orNil(err))
		case <-timeout:
			return fmt.Errorf("%s was not noticed within %v", what, noticeTimeout)
		}
	}
}

// end cancels the watch and checks that the watch returns fault.Canceled.
func (w *watching) end() error {
	w.stop()
	select {
	case err := <-w.ended:
		return refused("a watch whose context ended", fault.Canceled, err)
	case <-time.After(noticeTimeout):
		return fmt.Errorf("the watch goes on %v after its context ended", noticeTimeout)
	}
}

func checkWatch(ctx context.Context, env *Env) (err error) {
	if _, err := env.tenantStore(0); err != nil {
		return err
	}
	t := env.registered("t")
	var watches []*watching
	defer func() {
		for _, w := range watches {
			err = errors.Join(err, w.end())
		}
	}()
	for at := range 2 {
		w, err := env.watch(ctx, at, nil)
		if err != nil {
			return err
		}
		watches = append(watches, w)
	}
	for i := range 6 {
		start := time.Now()
		if _, err := t.via(1+i).put(ctx, int64(i)); err != nil {
			return err
		}
		for _, w := range watches {
			if err := w.after(fmt.Sprintf("version %d", i+1), start); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkWatchBusy(ctx context.Context, env *Env) (err error) {
	if _, err := env.tenantStore(0); err != nil {
		return err
	}
	t := env.registered("t")
	entered, leave := make(chan struct{}, 1000), make(chan struct{})
	first := true
	w, err := env.watch(ctx, 0, func() error {
		if first {
			first = false
			return nil
		}
		entered <- struct{}{}
		<-leave
		return nil
	})
	if err != nil {
		return err
	}
	left := false
	defer func() {
		if !left {
			close(leave)
		}
		err = errors.Join(err, w.end())
	}()
	if _, err := t.via(1).put(ctx, 0); err != nil {
		return err
	}
	select {
	case <-entered:
	case <-time.After(noticeTimeout):
		return fmt.Errorf("version 1 was not noticed within %v", noticeTimeout)
	}
	start := time.Now()
	if _, err := t.via(1).put(ctx, 1); err != nil {
		return fmt.Errorf("while the call runs: %w", err)
	}
	time.Sleep(50 * time.Millisecond) // a broken watch drops the change in this time
	close(leave)
	left = true
	return w.after("a change made while a call ran", start)
}

func checkWatchEnds(ctx context.Context, env *Env) error {
	if _, err := env.tenantStore(0); err != nil {
		return err
	}
	w, err := env.watch(ctx, 0, nil)
	if err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	enough := errors.New("the host has heard enough")
	t := env.registered("t")
	calls := 0
	if w, err = env.watch(ctx, 0, func() error {
		if calls++; calls > 1 {
			return enough
		}
		return nil
	}); err != nil {
		return err
	}
	defer w.stop()
	if _, err := t.via(1).put(ctx, 0); err != nil {
		return err
	}
	select {
	case err := <-w.ended:
		if !errors.Is(err, enough) {
			return fmt.Errorf("the watch ended with %v; want the error of what it called", err)
		}
	case <-time.After(noticeTimeout):
		return fmt.Errorf("the watch goes on %v after what it called failed", noticeTimeout)
	}
	// Canceling one watch must not stop another watch.
	if w, err = env.watch(ctx, 1, nil); err != nil {
		return err
	}
	return w.end()
}
