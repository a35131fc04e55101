package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/botyard/botyard/bench/internal/hostproc"
)

// variables are those that processes under test get beside this one's.
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

// names are what plugins, which inherit nothing, are to be given.
func (v *variables) names() []string {
	var out []string
	for _, s := range *v {
		name, _, _ := strings.Cut(s, "=")
		out = append(out, name)
	}
	return out
}

// otherHost is a host that is compared: of another version, or with other variables.
type otherHost struct {
	hostproc.Binaries
	env variables
}

func binaries(folder string) hostproc.Binaries {
	return hostproc.Binaries{Host: filepath.Join(folder, "botyard"), Plugins: filepath.Join(folder, "plugins")}
}
