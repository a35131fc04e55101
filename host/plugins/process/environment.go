package process

import (
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk"
)

// newCommand returns the command of a process, without the part of the environment that
// go-plugin adds. The process gets no PATH and nothing else of the host's environment,
// because that environment has the keys of all tenants.
func newCommand(path, dir string, env []string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Env = append([]string{"TMPDIR=" + dir}, env...)
	return cmd
}

// allowedEnv returns the variables of the host's environment that the operator lets the
// plugin have, as NAME=VALUE.
func allowedEnv(names []string) []string {
	env := []string{sdk.LifelineEnv + "=" + sdk.LifelineStdin}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// secretName is the form of names of variables whose values are secrets.
var secretName = regexp.MustCompile(`(?i)KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH`)

// secretsOfEnv returns the secrets of an environment: the values of variables whose names
// say so, and the passwords in the other values.
func secretsOfEnv(env []string) []string {
	var out []string
	for _, setting := range env {
		name, value, _ := strings.Cut(setting, "=")
		if secretName.MatchString(name) {
			out = append(out, value)
		} else {
			out = append(out, secret.Passwords(value)...)
		}
	}
	return out
}
