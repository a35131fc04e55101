package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// startDiaryFleet starts hosts on one Postgres that have the memory plugin diary too.
func startDiaryFleet(t *testing.T, hosts int, cluster pgtest.Options) (*fleet, *diaries) {
	t.Helper()
	c := pgtest.For(t, cluster)
	db := newDatabase(t, c)
	config := exampleTree(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	more := strings.Replace(string(text), `["../../bin/plugins"]`, fmt.Sprintf(`["../../bin/plugins", %q]`, buildDiary(t, dir)), 1)
	if more == string(text) {
		t.Fatal("the example has other plugin_dirs")
	}
	if err := os.WriteFile(config, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	f := startFleetOf(t, c, db, config, hosts, []string{"BOTYARD_PG_DSN=" + c.DSN(db)})
	return f, &diaries{t, filepath.Join(dir, "diaries")}
}

// block returns the tenant's settings with the memory diary and further keys of its block.
func (d *diaries) block(more string) string {
	return fmt.Sprintf(`{"memory":{"type":"diary","path":%q%s}}`, d.path, more)
}

// TestMemoryFollowing_backlog checks that three hosts catch up with many conversations, each turn told
// once, and that another tenant does not wait for it. BOTYARD_LONG_TESTS=1 takes ten thousand
// conversations.
func TestMemoryFollowing_backlog(t *testing.T) {
	t.Parallel()
	behind := 600
	if os.Getenv("BOTYARD_LONG_TESTS") != "" {
		behind = 10_000
	}
	f, d := startDiaryFleet(t, 3, pgtest.Options{NoSync: true})
	f.front.put("big", `{}`)
	if in := f.front.imports("big", largeExport(behind, 1)); in.Conversations != behind {
		t.Fatalf("%+v", in)
	}
	f.front.put("small", d.block(""))
	f.front.put("big", d.block(`,"delay_ms":20`))
	for i, host := range f.hosts { // a turn on each host, so that all of them follow
		host.mustChat("big", "turns", fmt.Sprint("on host ", i))
	}
	f.front.mustChat("small", "c", "one")
	f.front.eventually(60*time.Second, "the small tenant is followed", d.keeps("", "small", "c: one"))
	if turns, _ := d.told("", "big"); turns >= behind {
		t.Logf("the backlog was done before: %d turns", turns)
	}
	f.front.eventually(15*time.Minute, "the backlog is followed", func() bool {
		turns, _ := d.told("", "big")
		return turns == behind+3
	})
	if _, most := d.told("", "big"); most != 1 {
		t.Errorf("a turn was told %d times although no host died", most)
	}
}

// TestMemoryFollowing_deadHost checks that another host goes on when a host dies while its memory is
// told of a conversation, and that nothing is lost.
func TestMemoryFollowing_deadHost(t *testing.T) {
	t.Parallel()
	f, d := startDiaryFleet(t, 2, pgtest.Options{NoSync: true})
	f.front.put("a", d.block(`,"delay_ms":3000`))
	dead, lives := f.hosts[0], f.hosts[1]
	for i := range 5 {
		dead.mustChat("a", fmt.Sprint("c", i), "one")
	}
	_ = dead.cmd.Process.Signal(syscall.SIGKILL)
	<-dead.done
	lives.mustChat("a", "other", "two")
	want := []string{"c0: one", "c1: one", "c2: one", "c3: one", "c4: one", "other: two"}
	lives.eventually(4*time.Minute, "the other host goes on", d.keeps("", "a", want...))
	if _, most := d.told("", "a"); most > 2 {
		t.Errorf("a turn was told %d times; want the batch in flight at most twice", most)
	}
}
