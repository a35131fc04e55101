package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/botyard/botyard/host/secret"
)

// searchPath is the PATH of plugins. It is not the host's own PATH, so that a plugin finds the
// same programs however the host was started.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// homeName is the name of a process's home folder within its private folder.
const homeName = "home"

// newCommand returns the command of a process, whose private folder is dir. The environment
// does not yet contain the variables that go-plugin adds. The process gets no other
// variable of the host's environment than those in env, because that environment may
// contain the keys of all tenants. A variable in env replaces one of the same name.
func newCommand(path, dir string, env []string) *exec.Cmd {
	cmd := exec.Command(path)
	cmd.Env = append([]string{"PATH=" + searchPath, "HOME=" + filepath.Join(dir, homeName), "TMPDIR=" + dir}, env...)
	return cmd
}

// allowedEnv returns the environment variables of the host that a plugin gets, as
// NAME=VALUE: those whose names the operator has listed.
func allowedEnv(names []string) []string {
	var env []string
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
