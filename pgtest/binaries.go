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

// binaries returns the folder that has the binaries of the newest PostgreSQL on this machine.
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

// majorOf returns the major version of the given postgres binary, or 0 if the version cannot be read.
func majorOf(postgres string) int {
	out, err := exec.Command(postgres, "--version").Output()
	if err != nil {
		return 0
	}
	words := strings.Fields(string(out)) // the output is like: postgres (PostgreSQL) 15.6 (Debian ...)
	if len(words) < 3 {
		return 0
	}
	// The version is like 15.6, or like 18beta1 before a release.
	end := strings.IndexFunc(words[2], func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(words[2])
	}
	major, _ := strconv.Atoi(words[2][:end])
	return major
}

// psqlOnly returns the path of psql. Clusters on an existing server need no other binary.
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

// userEnv returns the environment variables for the binaries, and the extra ones. It leaves out variables
// of this process such as PGHOST, which would connect the binaries to another server. It makes their
// messages English.
func userEnv(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=/"}, extra...)
}
