package discovery

import "testing"

func TestInterpreterOf(t *testing.T) {
	for line, want := range map[string][2]string{
		"#!/bin/sh\n":                     {"/bin/sh", ""},
		"#! /usr/bin/env  python3 -u \nx": {"/usr/bin/env", "python3 -u"},
		"#!/bin/sh\t-e\n":                 {"/bin/sh", "-e"},
		"\x7fELF":                         {"", ""},
		"#!\n":                            {"", ""},
		"#!/usr/bin/python3 -I":           {"/usr/bin/python3", "-I"},
	} {
		t.Run(line, func(t *testing.T) {
			if path, argument := interpreterOf([]byte(line)); path != want[0] || argument != want[1] {
				t.Errorf("%q %q", path, argument)
			}
		})
	}
}
