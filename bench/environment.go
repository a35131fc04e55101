package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/botyard/botyard/bench/internal/hostproc"
)

// variables are environment variables, as NAME=VALUE, that processes under test get in addition to the
// variables of this process. *variables implements flag.Value.
type variables []string

// Set implements flag.Value.
func (v *variables) Set(s string) error {
	if !strings.Contains(s, "=") {
		return errors.New("expected NAME=VALUE")
	}
	*v = append(*v, s)
	return nil
}

// String implements flag.Value.
func (v *variables) String() string { return strings.Join(*v, " ") }

// names returns the names of the variables, for the key env of the plugins. A plugin inherits only the
// variables that its key env names.
func (v *variables) names() []string {
	var out []string
	for _, s := range *v {
		name, _, _ := strings.Cut(s, "=")
		out = append(out, name)
	}
	return out
}

// otherHost is a second host that is measured beside the host under test. It is another build, or the same
// build with other environment variables.
type otherHost struct {
	hostproc.Binaries
	env variables
}

// binaries returns the programs that "make build" wrote to a folder.
func binaries(folder string) hostproc.Binaries {
	return hostproc.Binaries{Host: filepath.Join(folder, "botyard"), Plugins: filepath.Join(folder, "plugins")}
}
