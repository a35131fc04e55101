package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/botyard/botyard/bench/internal/hostproc"
)

// variables are environment variables that processes under test get beside those of this process, as
// NAME=VALUE. They implement flag.Value.
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

// names returns the names, for the plugins' key env: plugins inherit no variable that is not named.
func (v *variables) names() []string {
	var out []string
	for _, s := range *v {
		name, _, _ := strings.Cut(s, "=")
		out = append(out, name)
	}
	return out
}

// otherHost is a second host, to compare with: another build, or one with other variables.
type otherHost struct {
	hostproc.Binaries
	env variables
}

// binaries returns the programs in a folder that make build wrote.
func binaries(folder string) hostproc.Binaries {
	return hostproc.Binaries{Host: filepath.Join(folder, "botyard"), Plugins: filepath.Join(folder, "plugins")}
}
