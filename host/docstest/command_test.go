package docstest

import (
	"context"
	"fmt"
	"github.com/botyard/botyard/pgtest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// databaseEnv is the environment variable with the data source name of a Postgres database,
// which commands on pages use.
const databaseEnv = "BOTYARD_PG_DSN"

// pageTimeout bounds the time of all commands of one page.
const pageTimeout = 3 * time.Minute

// TestCommands_ofEachPageWork runs the commands of each page in their order, in one shell and
// in a new copy of the tree. It checks their exit status and their output.
func TestCommands_ofEachPageWork(t *testing.T) {
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			for _, b := range p.blocks {
				if b.lang == "sh" {
					runPage(t, p)
					return
				}
			}
		})
	}
}

func runPage(t *testing.T, p *page) {
	dir := checkout(t)
	work := filepath.Join(filepath.Dir(dir), "blocks")
	tmp := filepath.Join(filepath.Dir(dir), "t")
	for _, d := range []string{work, tmp} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var ports []string
	for _, port := range []string{"8080", "8081", "8082", "8083", "8090"} {
		ports = append(ports, port, freePort(t))
	}
	s := &script{t: t, work: work, ports: strings.NewReplacer(ports...)}
	for i, b := range p.blocks {
		s.add(i, b)
	}
	s.finish()

	ctx, cancel := context.WithTimeout(t.Context(), pageTimeout)
	defer cancel()
	path := s.write("page.sh", s.text.String())
	cmd := exec.CommandContext(ctx, "bash", path)
	cmd.Dir = dir
	cmd.Env = environment("TMPDIR="+tmp, "BOTYARD_URL="+s.ports.Replace("http://127.0.0.1:8080"))
	if strings.Contains(p.text, databaseEnv) {
		cmd.Env = append(cmd.Env, databaseEnv+"="+pgtest.For(t, pgtest.Options{NoSync: true}).DSN(""))
	}
	// The shell gets a process group of its own, so that all processes that the page starts can
	// be killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	said, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		// an error is normal, because the group usually has no process left
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", p.name, err, said)
	}
	for _, c := range s.expected {
		c.check(t)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "by-*")); len(left) > 0 {
		t.Errorf("a host left %v behind", left)
	}
}

// script is the shell script that is made of the blocks of a page.
type script struct {
	t        *testing.T
	work     string // the folder with the text of the blocks and the output of their commands
	ports    *strings.Replacer
	text     strings.Builder
	latest   string // the file with the output of the last commands
	hosts    []string
	expected []output
}

// prologue is the beginning of each script. Its function refused replaces "!" before a command,
// because bash with the option errexit does not stop at a command with "!" that succeeds.
const prologue = `set -euo pipefail
exec 3>&1
stop() {
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
  wait
}
trap stop EXIT
refused() { if "$@"; then echo "expected to fail: $*" >&2; return 1; fi; }
listening() {
  for _ in $(seq 300); do
    # A reader takes longer than the host to believe a tenant file that is new.
    if [ "$(grep -c "listening on" "$1")" -ge "$2" ]; then sleep 1; return; fi
    sleep 0.1
  done
  cat "$1"; echo "no host came to listen" >&2; return 1
}
`

var (
	inverted   = regexp.MustCompile(`(?m)^! `)
	background = regexp.MustCompile(`(?m)[^&]&$`)
	hostFile   = regexp.MustCompile(`(^|/)botyard\.(hcl|yaml|json)$`)
)

func (s *script) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.work, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *script) add(i int, b *block) {
	if s.text.Len() == 0 {
		s.text.WriteString(prologue)
	}
	text := s.ports.Replace(b.text)
	switch {
	case b.has("output"):
		if s.latest == "" {
			s.t.Fatalf("%s: no commands are above this output", b.at())
		}
		s.expected = append(s.expected, output{b, text, s.latest})
	case b.has("not run"):
		if b.lang == "sh" {
			s.standIn(i, b)
		}
	case b.has("file"):
		to := b.marks["file"]
		fmt.Fprintf(&s.text, "mkdir -p %q\ncp %q %q\n", filepath.Dir(to), s.write(fmt.Sprintf("%d.file", i), text), to)
		if hostFile.MatchString(to) {
			s.hosts = append(s.hosts, to)
		}
	case b.lang == "sh":
		s.run(i, b, text)
	}
}

// run adds the commands of a block to the script. The commands run in the script's own shell,
// so that variables and the working folder stay for the next block. If a block starts hosts in
// the background, the script waits until they listen.
func (s *script) run(i int, b *block, text string) {
	from := s.write(fmt.Sprintf("%d.sh", i), inverted.ReplaceAllString(text, "refused "))
	stdin := s.write("stdin", "How do I reset my password?\n")
	s.latest = filepath.Join(s.work, fmt.Sprintf("%d.out", i))
	fmt.Fprintf(&s.text, "echo '--- %s'\ntrap 'cat %q >&3; stop' EXIT\n{ . %q; } < %q > %q 2>&1\ntrap stop EXIT\n",
		b.at(), s.latest, from, stdin, s.latest)
	if background.MatchString(text) {
		// The mark "hosts" says how many hosts the block starts. Without the mark it is one.
		hosts := b.marks["hosts"]
		if hosts == "" {
			hosts = "1"
		}
		fmt.Fprintf(&s.text, "listening %q %s\n", s.latest, hosts)
	}
}

// standIn adds the command "botyard dev" for a block with "make run", which cannot be run here.
func (s *script) standIn(i int, b *block) {
	if !strings.Contains(b.text, "make run") {
		return
	}
	s.latest = filepath.Join(s.work, fmt.Sprintf("%d.out", i))
	fmt.Fprintf(&s.text, "echo '--- %s'\nbin/botyard dev --listen %s > %q 2>&1 &\nlistening %q 1\n",
		b.at(), s.ports.Replace("127.0.0.1:8080"), s.latest, s.latest)
}

// finish adds a config check of each host file that the page writes, with the tenant files
// beside it.
func (s *script) finish() {
	for _, h := range s.hosts {
		fmt.Fprintf(&s.text, "echo '--- check of %s'\nbin/botyard config check --config %q\n", h, h)
	}
}

// output is what the commands of a block must print.
type output struct {
	b    *block
	want string
	file string
}

func (o output) check(t *testing.T) {
	t.Helper()
	said, err := os.ReadFile(o.file)
	if err != nil {
		t.Error(err)
		return
	}
	if !matches(o.want, string(said)) {
		t.Errorf("%s: the commands above it printed\n%s\nand the page says\n%s", o.b.at(), said, o.want)
	}
}

// matches reports whether the output said is the text want. In want, "..." stands for any text
// within a line, and a line with only "..." stands for any number of lines. The number of
// blanks between columns does not matter.
func matches(want, said string) bool {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(want, "\n"), "\n") {
		if strings.TrimSpace(line) == "..." {
			b.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		quoted := columns.ReplaceAllString(regexp.QuoteMeta(strings.TrimRight(line, " ")), " +")
		b.WriteString(strings.ReplaceAll(quoted, `\.\.\.`, `[^\n]*`) + ` *\n`)
	}
	return regexp.MustCompile(`^` + b.String() + `$`).MatchString(strings.TrimRight(said, "\n") + "\n")
}

var columns = regexp.MustCompile(` {2,}`)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		want, said string
		ok         bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a ...\n", "a 17\n", true},
		{"a\n...\nz\n", "a\nb\nc\nz\n", true},
		{"a\n...\n", "a\n", true},
		{"a.\n", "ab\n", false},
		{"a  b\n", "a      b\n", true},
		{"a\n", "a\nb\n", false},
	} {
		t.Run(fmt.Sprintf("%q is %q", c.said, c.want), func(t *testing.T) {
			if got := matches(c.want, c.said); got != c.ok {
				t.Errorf("matches(%q, %q) = %v", c.want, c.said, got)
			}
		})
	}
}
