package pgtest

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func exec1(t *testing.T, c *Cluster, sql string) string {
	t.Helper()
	out, err := c.Exec(t.Context(), "", sql)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCluster_stopAndStartAgain(t *testing.T) {
	c := For(t, Options{TCP: true, Password: "it's"})
	exec1(t, c, "create table x as select 1 as n")
	for _, mode := range []Mode{Fast, Immediate, Kill} {
		if err := c.Stop(mode); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "", "select 1"); err == nil {
			t.Fatal("a stopped server answers")
		}
		if err := c.StartAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := exec1(t, c, "select n from x"); n != "1" {
			t.Errorf("after mode %d there is %q", mode, n)
		}
	}
	if err := c.CreateDatabase(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), "other", "select 1"); err != nil {
		t.Error(err)
	}
	if on := exec1(t, c, "show fsync"); on != "on" {
		t.Errorf("fsync is %s", on)
	}
}

func TestStandby_promote(t *testing.T) {
	c := For(t, Options{NoSync: true})
	s, err := c.Standby(t.Context())
	Check(t, err)
	exec1(t, c, "create table x as select 2 as n")
	if err := c.CaughtUp(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if n := exec1(t, s, "select n from x"); n != "2" {
		t.Errorf("the standby has %q", n)
	}
	if _, err := s.Exec(t.Context(), "", "insert into x values (3)"); err == nil {
		t.Error("the standby takes writes")
	}
	if err := c.Stop(Kill); err != nil {
		t.Fatal(err)
	}
	if err := s.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec1(t, s, "insert into x values (3)")
}

func TestPgBouncer(t *testing.T) {
	for name, password := range map[string]string{"without a password": "", "with a password": "secret"} {
		t.Run(name, func(t *testing.T) {
			c := For(t, Options{NoSync: true, Password: password})
			b, err := PgBouncer(t.Context(), c)
			Check(t, err)
			out, err := run(t.Context(), c.as, nil, c.bin+"/psql", "-XAtq", "-d", b.DSN(""), "-c", "select 7")
			if err != nil || out != "7\n" {
				t.Errorf("through the pooler: %q, %v", out, err)
			}
			if err := c.KillConnections(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCluster_closeLeavesNothing(t *testing.T) {
	c := For(t, Options{NoSync: true, Small: true, Dir: Folder(t)})
	b, err := PgBouncer(t.Context(), c)
	Check(t, err)
	if err := c.Stop(Kill); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.home, c.data, b.home} {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestCluster_diesWithItsTest runs the test binary as a second process, which starts a cluster. It kills
// the second process and checks that the cluster's server stops too.
func TestCluster_diesWithItsTest(t *testing.T) {
	if os.Getenv("PGTEST_CHILD") != "" {
		c := For(t, Options{NoSync: true})
		pid := 0
		if c.server != nil {
			pid = c.server.cmd.Process.Pid
		}
		if _, err := os.Stdout.WriteString("pid " + strconv.Itoa(pid) + " " + c.home + "\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(processTimeout)
		t.Fatal("nobody killed this process")
	}
	if os.Getenv(ForeignEnv) != "" {
		t.Skip(ErrForeign)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCluster_diesWithItsTest$")
	cmd.Env = append(os.Environ(), "PGTEST_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, pid, dir := bufio.NewScanner(out), 0, ""
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "pid" {
			pid, _ = strconv.Atoi(words[1])
			dir = words[2]
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the error says that the process was killed
	if pid == 0 {
		t.Fatal("the other process made no cluster")
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	err = eventually(t.Context(), "the server to end", func() (bool, error) {
		return syscall.Kill(pid, 0) != nil, nil
	})
	if err != nil {
		t.Error(err)
	}
}
