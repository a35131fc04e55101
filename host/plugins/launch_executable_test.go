package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"golang.org/x/sys/unix"
)

// TestLauncher_runsTheVerifiedFile checks that the launcher executes the verified file,
// even if another file has replaced it at its path after the verification.
func TestLauncher_runsTheVerifiedFile(t *testing.T) {
	for name, swap := range map[string]func(t *testing.T, h *host, path string){
		"unchanged": func(*testing.T, *host, string) {},
		"another file has its path": func(t *testing.T, h *host, path string) {
			putPlugin(t, h.dir, "test", "two")
		},
		"its path is a link": func(t *testing.T, h *host, path string) {
			putPlugin(t, h.dir, "other", "two")
			must(t, os.Remove(path), os.Symlink(filepath.Join(h.dir, "botyard-llm-other"), path))
		},
		"it is gone": func(t *testing.T, _ *host, path string) { must(t, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, hostOptions{timing: func(tm *timing) { tm.debounce, tm.pollEvery = time.Hour, time.Hour }}, "test=one")
			bin := h.found()[discovery.Ref{Kind: "llm", Name: "test"}]
			settings := h.opts.settings(bin.Ref)
			p, err := h.launcher.Prepare(process.Request{Binary: bin, Settings: settings})
			must(t, err)
			swap(t, h, bin.Path)
			p, err = h.launcher.Start(context.Background(), p)
			must(t, err)
			defer p.Stop(context.Background())
			if p.Info.Version != "0-one" {
				t.Errorf("version %s was executed", p.Info.Version)
			}
		})
	}
}

func TestLauncher_fileThatIsWrittenTo(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.debounce, tm.pollEvery = time.Hour, time.Hour }}, "test=one")
	bin := h.found()[discovery.Ref{Kind: "llm", Name: "test"}]
	settings := h.opts.settings(bin.Ref)
	p, err := h.launcher.Prepare(process.Request{Binary: bin, Settings: settings})
	must(t, err)
	info, err := os.Stat(bin.Path)
	must(t, err)
	f, err := os.OpenFile(bin.Path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("two"), info.Size()-23) // overwrites a part of the mark at the end of the file
	must(t, err, f.Close(), os.Chtimes(bin.Path, info.ModTime(), info.ModTime()))
	if p, err = h.launcher.Start(context.Background(), p); err == nil || !strings.Contains(err.Error(), "changed on disk") {
		t.Errorf("err = %v", err)
		if err == nil {
			p.Stop(context.Background())
		}
	}
}

// TestLauncher_script checks that a script is executed from a private copy. If the script's
// file is replaced after its verification, the launcher executes the verified content.
func TestLauncher_script(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.debounce, tm.pollEvery = time.Hour, time.Hour }})
	path := filepath.Join(h.dir, "botyard-llm-script")
	put(t, path, []byte("#!/bin/sh -e\necho \"one of $0\" >&2\nls -l \"$0\" | cut -c 1-10 >&2\nexit 3\n"))
	must(t, h.Rescan())
	bin := h.found()[discovery.Ref{Kind: "llm", Name: "script"}]
	settings := h.opts.settings(bin.Ref)
	p, err := h.launcher.Prepare(process.Request{Binary: bin, Settings: settings})
	must(t, err)
	put(t, path, []byte("#!/bin/sh\necho two >&2\nexit 3\n"))
	_, err = h.launcher.Start(context.Background(), p)
	if log := h.log.String(); err == nil || !strings.Contains(log, "one of "+p.Dir+"/botyard-llm-script") || !strings.Contains(log, "-r-x------") || strings.Contains(log, "two") {
		t.Errorf("%v; log:\n%s", err, log)
	}
	if _, err := os.Stat(p.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is left: %v", err)
	}
}

// TestLauncher_noexecTmpdir checks that scripts and programs can be run although the
// runtime folder is on a file system that is mounted with noexec.
func TestLauncher_noexecTmpdir(t *testing.T) {
	parent := shortDir(t)
	if err := unix.Mount("tmpfs", parent, "tmpfs", unix.MS_NOEXEC, "size=64m"); err != nil {
		t.Skip("a file system cannot be mounted: ", err)
	}
	defer func() { _ = unix.Unmount(parent, unix.MNT_DETACH) }()
	h := newHost(t, hostOptions{options: func(o *Options) { o.RuntimeDir = parent }}, "test")
	h.ask(h.open(Spec{Name: "test"}), "hello")
	put(t, filepath.Join(h.dir, "botyard-llm-script"), []byte("#!/bin/sh\necho 'it runs' >&2\nexit 3\n"))
	must(t, h.Rescan())
	if got := h.schemaError("script"); !strings.Contains(got, "it runs") {
		t.Error(got)
	}
	must(t, h.Close(context.Background()))
}
