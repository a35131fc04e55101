package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version says from which source and with which Go version this program was built.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildVersion() version {
	v := version{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version = info.Main.Version; v.Version == "" {
		v.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String returns the line that botyard version and botyard --version print.
func (v version) String() string {
	commit := ""
	if v.Commit != "" {
		commit = ", commit " + v.Commit
	}
	if v.Modified {
		commit += " (modified)"
	}
	return fmt.Sprintf("botyard %s%s, %s, %s", v.Version, commit, v.Go, v.Platform)
}

func newVersion() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print what this program was built from"}
	asJSON := addJSON(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		v := buildVersion()
		if *asJSON {
			return printJSON(cmd, v)
		}
		fmt.Fprintln(cmd.OutOrStdout(), v)
		return nil
	}
	return c
}
