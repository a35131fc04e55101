package process

import (
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk"
)

// newCommand returns the command of a process. Its environment does not yet contain the
// variables that go-plugin adds. The process gets neither PATH nor any other variable of
// the host's environment, because that environment may contain the keys of all tenants.
func newCommand(path, dir string, env []string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Env = append([]string{"TMPDIR=" + dir}, env...)
	return cmd
}

// allowedEnv returns the environment variables that a plugin gets, as NAME=VALUE: those of
// the host whose names the operator has listed, and the variable for the plugin's lifeline.
func allowedEnv(names []string) []string {
	env := []string{sdk.LifelineEnv + "=" + sdk.LifelineStdin}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// secretName matches the names of variables whose values count as secrets.
var secretName = regexp.MustCompile(`(?i)KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH`)

// secretsOfEnv returns the secrets in an environment: the whole value of each variable that
// secretName matches, and the passwords within the other values.
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
