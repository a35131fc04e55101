package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a server that runs as a child process. The server stops when this process ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // result of the process; valid once done is closed
}

// launch starts the command under the account. The command writes its output to logFile.
func launch(cmd *exec.Cmd, as *account, logFile string) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = serverAttributes(as)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// With Pdeathsig the kernel signals the child as soon as the thread that started it ends. This
		// goroutine therefore keeps its thread until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal sends the signal and waits until the process has ended. After processTimeout it kills the process
// and returns an error.
func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(processTimeout):
		_ = p.cmd.Process.Kill() // the receive from done shows whether the kill worked
		<-p.done
		return fmt.Errorf("%s did not end within %s of %s and was killed", p.cmd.Path, processTimeout, sig)
	}
}

// run runs a command under the account, waits for its end, and returns its output. If the command fails,
// the error text contains the output.
func run(ctx context.Context, as *account, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = userEnv(env...), "/"
	cmd.SysProcAttr = attributes(as)
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w: %s%s", name, err, out, exit.Stderr)
	}
	return "", fmt.Errorf("%s: %w", name, err)
}

// eventually calls yes every 10 ms until yes returns true or an error. After processTimeout it returns an
// error that names what it waited for.
func eventually(ctx context.Context, what string, yes func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
