package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest major version of PostgreSQL that is supported.
const oldest = 14

// binaries returns the folder with the newest PostgreSQL on the machine.
func binaries() (string, error) {
	type version struct {
		dir   string
		major int
	}
	var found []version
	look := func(dir string) {
		for _, name := range []string{"initdb", "postgres", "psql", "pg_basebackup", "pg_ctl"} {
			if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
				return
			}
		}
		if major := majorOf(filepath.Join(dir, "postgres")); major >= oldest {
			found = append(found, version{dir, major})
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			look(filepath.Dir(real))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"} {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			look(dir)
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%w: postgres %d or later; install it, for example with apt-get install postgresql", ErrMissing, oldest)
	}
	newest := slices.MaxFunc(found, func(a, b version) int { return a.major - b.major })
	return newest.dir, nil
}

// majorOf returns the major version of the binary, or 0 if it is unknown.
func majorOf(postgres string) int {
	out, err := exec.Command(postgres, "--version").Output()
	if err != nil {
		return 0
	}
	words := strings.Fields(string(out)) // postgres (PostgreSQL) 15.6 (Debian ...)
	if len(words) < 3 {
		return 0
	}
	// 15.6, or 18beta1 before a release.
	end := strings.IndexFunc(words[2], func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(words[2])
	}
	major, _ := strconv.Atoi(words[2][:end])
	return major
}

// psqlOnly returns the path of psql. With an existing server no other binary is needed.
func psqlOnly() (string, error) {
	if dir, err := binaries(); err == nil {
		return filepath.Join(dir, "psql"), nil
	}
	if path, err := exec.LookPath("psql"); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%w: psql; install it, for example with apt-get install postgresql-client", ErrMissing)
}

// bouncerBinary returns the path of pgbouncer.
func bouncerBinary() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: pgbouncer; install it, for example with apt-get install pgbouncer", ErrMissing)
}

// userEnv returns the environment of the binaries. It has no variable that would connect them to
// another server. Messages are in English.
func userEnv(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=/"}, extra...)
}
