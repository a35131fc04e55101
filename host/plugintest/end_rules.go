package plugintest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// signalPause is how long a process that dies of a signal may take for it to be noticed.
const signalPause = 300 * time.Millisecond

func checkSignals(ctx context.Context, b *bench) error {
	p, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.answers(ctx); err != nil {
		return err
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if err := syscall.Kill(p.cmd.Process.Pid, s); err != nil {
			return fmt.Errorf("signal %s: %w", s, err)
		}
		select {
		case <-p.exited:
			return p.because(fmt.Errorf("the signal %q ends it while its standard input is open", s))
		case <-time.After(signalPause):
		}
		if err := p.answers(ctx); err != nil {
			return fmt.Errorf("after the signal %q: %w", s, err)
		}
	}
	return nil
}

func checkEndOfInput(ctx context.Context, b *bench) error {
	p, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.answers(ctx); err != nil {
		return err
	}
	if err := p.configure(ctx, b, "end"); err != nil {
		return err
	}
	if err := p.stdin.Close(); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		return p.because(errors.New("it goes on after the end of its standard input"))
	}
	if status := p.cmd.ProcessState; status.ExitCode() != 0 {
		return p.because(fmt.Errorf("it ended with %s after the end of its standard input, and not with exit status 0", status))
	}
	return nil
}
