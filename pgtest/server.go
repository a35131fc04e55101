package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Mode is a way to stop a server.
type Mode int

const (
	Fast      Mode = iota // SIGINT: the server closes connections and writes all data
	Immediate             // SIGQUIT: the server stops without writing data and recovers at its next start
	Kill                  // SIGKILL to the server and its children, like a crash of the machine
)

// Stop stops the server and waits until its process has ended. The data folder stays, so that StartAgain
// can start the server again.
func (c *Cluster) Stop(mode Mode) error {
	if c.foreign != "" {
		return ErrForeign
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	p := c.server
	c.server = nil
	switch mode {
	case Immediate:
		return p.signal(syscall.SIGQUIT)
	case Kill:
		pid := p.cmd.Process.Pid
		offspring := children(pid)
		err := p.signal(syscall.SIGKILL)
		for _, child := range offspring {
			_ = syscall.Kill(child, syscall.SIGKILL) // an error means that the child has ended
		}
		// The children of the killed server hold its shared memory until they end, so Stop waits for them
		// too.
		return errors.Join(err, eventually(context.Background(), "the server's children to end", func() (bool, error) {
			for _, child := range offspring {
				if syscall.Kill(child, 0) == nil {
					return false, nil
				}
			}
			return true, nil
		}))
	default:
		return p.signal(syscall.SIGINT)
	}
}

// StartAgain starts the server after Stop, at the same addresses, and waits until the server is ready.
func (c *Cluster) StartAgain(ctx context.Context) error {
	if c.foreign != "" {
		return ErrForeign
	}
	return c.start(ctx)
}

func (c *Cluster) start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil && !c.server.ended() {
		return nil
	}
	// A killed server leaves this file. start removes it, because the state in the old file could make the
	// new server look ready too early.
	pidFile := filepath.Join(c.data, "postmaster.pid")
	if old, err := os.ReadFile(pidFile); err == nil {
		removeSharedMemory(old)
		if err := os.Remove(pidFile); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data)
	cmd.Env, cmd.Dir = userEnv(), "/"
	p, err := launch(cmd, c.as, filepath.Join(c.home, "log"))
	if err != nil {
		return err
	}
	c.server = p
	err = eventually(ctx, "the server to be ready", func() (bool, error) {
		if p.ended() {
			return false, fmt.Errorf("the server ended: %v; its log ends with:\n%s", p.err, c.Log())
		}
		text, _ := os.ReadFile(pidFile) // the server may not have written the file yet
		lines := strings.Split(string(text), "\n")
		if len(lines) < 8 {
			return false, nil
		}
		state := strings.TrimSpace(lines[7])
		return state == "ready" || state == "standby", nil
	})
	if err != nil {
		c.server = nil
		return errors.Join(err, p.signal(syscall.SIGQUIT))
	}
	return nil
}

// Close stops the server with Immediate, closes the poolers and standbys, and removes all files. On an
// existing server it only drops the databases that were created.
func (c *Cluster) Close() error {
	var errs []error
	c.mu.Lock()
	closers := c.closers
	c.closers = nil
	c.mu.Unlock()
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	if c.foreign != "" {
		return errors.Join(append(errs, c.dropDatabases())...)
	}
	errs = append(errs, c.Stop(Immediate))
	if left, err := os.ReadFile(filepath.Join(c.data, "postmaster.pid")); err == nil {
		removeSharedMemory(left)
	}
	return errors.Join(append(errs, os.RemoveAll(c.data), os.RemoveAll(c.home))...)
}

// closeLater makes Close call f before Close stops the server. Close calls the functions in reverse order.
func (c *Cluster) closeLater(f func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closers = append(c.closers, f)
}
