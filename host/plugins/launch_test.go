package plugins

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLauncher_scriptErrors checks that a plugin may be a script, and that the error of a
// script that fails contains the cause.
func TestLauncher_scriptErrors(t *testing.T) {
	for text, want := range map[string]string{
		"#!/usr/bin/no-such-interpreter -x\n":                   "its interpreter /usr/bin/no-such-interpreter, which its first line names, is not there",
		"#!/bin/sh\nprintf 'the licence ran out' >&2\nexit 3\n": "the licence ran out",
		"#!/bin/sh\necho one\nprintf 'the last line'\nexit 3\n": "the last line",
		"#!/bin/sh\nprintf 'no end of line'\nexit 3\n":          "no end of line",
	} {
		t.Run(want, func(t *testing.T) {
			h := newHost(t, hostOptions{})
			put(t, filepath.Join(h.dir, "botyard-llm-script"), []byte(text))
			if err := h.Rescan(); err != nil {
				t.Fatal(err)
			}
			if got := h.schemaError("script"); !strings.Contains(got, want) {
				t.Errorf("%q: %s", text, got)
			}
		})
	}
}

func TestManager_Schema_missingFolderIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	h := newHost(t, hostOptions{options: func(o *Options) { o.Dirs = append(o.Dirs, dir) }})
	if got := h.schemaError("test"); !strings.Contains(got, "the plugin folder "+dir+" is not there") {
		t.Error(got)
	}
}
