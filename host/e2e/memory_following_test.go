package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
)

// diaries are the files of the memory plugin diary, which testdata/memory-diary has.
type diaries struct {
	t    *testing.T
	path string // the plugin's key path
}

// diaryEntry is what the plugin keeps of a conversation.
type diaryEntry struct {
	Conversation string
	Turns        []struct {
		Number int64
		Text   string
	}
	Told map[string]int // how often each sequence was told
}

// of returns the entries of a tenant under the part of the store key, sorted by conversation.
func (d *diaries) of(chapter, tenant string) (all []diaryEntry) {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.path, chapter, tenant, "*", "*.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // forgotten just now
		}
		var e diaryEntry
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b diaryEntry) int { return strings.Compare(a.Conversation, b.Conversation) })
	return all
}

// texts returns what is kept of a tenant as CONVERSATION: TEXT, TEXT.
func (d *diaries) texts(chapter, tenant string) (out []string) {
	d.t.Helper()
	for _, e := range d.of(chapter, tenant) {
		var texts []string
		for _, t := range e.Turns {
			texts = append(texts, t.Text)
		}
		if len(texts) > 0 {
			out = append(out, e.Conversation+": "+strings.Join(texts, ", "))
		}
	}
	return out
}

// told returns how many turns the memory was told of a tenant, and how often one was told at most.
func (d *diaries) told(chapter, tenant string) (turns, most int) {
	d.t.Helper()
	for _, e := range d.of(chapter, tenant) {
		for _, n := range e.Told {
			turns++
			most = max(most, n)
		}
	}
	return turns, most
}

// keeps reports whether exactly these texts are kept of the tenant.
func (d *diaries) keeps(chapter, tenant string, want ...string) func() bool {
	return func() bool { return slices.Equal(d.texts(chapter, tenant), want) }
}

// buildDiary builds the memory plugin diary into a folder of plugins, and returns the folder.
func buildDiary(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "more-plugins")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "botyard-memory-diary"), "./testdata/memory-diary").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// prepareDiary prepares a host whose tenants have the memory diary, with further keys of the block, on
// a file of storage-sqlite.
func prepareDiary(t *testing.T, more string) (*hostProcess, *diaries) {
	t.Helper()
	host := prepareHost(t, "", nil)
	d := &diaries{t, filepath.Join(host.dir, "diaries")}
	host.write("botyard.hcl", fmt.Sprintf(`
plugin_dirs = [%q, %q]
tenant_dirs = ["tenants"]
registry {
  storage { backend = "sqlite" }
}
defaults {
  llm { provider = "echo" }
  memory {
    type = "diary"
    path = %q
    away = %q
    %s
  }
  conversation_storage { backend = "sqlite" }
}
`, filepath.Join(binaries, "plugins"), buildDiary(t, host.dir), d.path, d.path+".away", more))
	return host, d
}

// followTimeout bounds how long a memory may take to follow. A host that ends while it tells a turn leaves a
// lease of a minute behind, and the turn is told again after it.
const followTimeout = 3 * time.Minute

// TestMemoryFollowing checks that a memory follows what happens in conversations: each turn once, over a
// restart of the host and kills of the plugin, and nothing of what was deleted.
func TestMemoryFollowing(t *testing.T) {
	t.Parallel()
	host, d := prepareDiary(t, "")
	host.runUntilTheEnd()
	host.put("a", `{}`)
	host.put("b", `{}`)
	for i := range 3 {
		host.mustChat("a", "c", fmt.Sprint("c", i))
		host.mustChat("a", "d", fmt.Sprint("d", i))
		host.mustChat("b", "c", fmt.Sprint("b", i))
	}
	all := []string{"c: c0, c1, c2", "d: d0, d1, d2"}
	host.eventually(followTimeout, "the memory has all turns", d.keeps("", "a", all...))
	if a := host.mustChat("a", "c", "Do you remember me?"); !strings.Contains(a.Reply, "c0") {
		t.Errorf("recalled: %s", a.Reply)
	}
	all[0] += ", Do you remember me?"
	host.eventually(followTimeout, "the other tenant's are apart", d.keeps("", "b", "c: b0, b1, b2"))

	host.stop(syscall.SIGTERM)
	host.run()
	host.mustChat("a", "d", "d3")
	all[1] += ", d3"
	host.eventually(followTimeout, "the memory goes on after a restart", d.keeps("", "a", all...))
	if turns, most := d.told("", "a"); turns != 8 || most != 1 {
		t.Errorf("%d turns were told, one %d times; want 8, each once", turns, most)
	}

	// The plugin is killed again and again while turns go on.
	for i := range 10 {
		killIfThere(host, "memory-diary")
		text := fmt.Sprint("k", i)
		host.eventually(followTimeout, "a turn succeeds", func() bool { return host.chat("a", "k", text).Status == 200 })
	}
	host.eventually(60*time.Second, "nothing is lost when the plugin is killed", func() bool {
		for _, e := range d.of("", "a") {
			if e.Conversation == "k" {
				return len(e.Turns) >= 10
			}
		}
		return false
	})
	for _, e := range d.of("", "a") {
		for i, n := range e.Turns {
			if n.Number != int64(i)+1 {
				t.Errorf("%s: turn %d is at place %d", e.Conversation, n.Number, i+1)
			}
		}
	}
}

// TestMemoryFollowing_deletions checks that a deletion is done only when the memory has forgotten, and
// that a conversation under a reused id has nothing of the old one.
func TestMemoryFollowing_deletions(t *testing.T) {
	t.Parallel()
	host, d := prepareDiary(t, `scope = "tenant"`)
	host.runUntilTheEnd()
	host.put("a", `{"conversations":{"owner":"tenant"}}`)
	say := func(conversation, user, text string) {
		t.Helper()
		body := fmt.Sprintf(`{"conversation_id":%q,"user_id":%q,"message":%q}`, conversation, user, text)
		if a := host.do("POST", "/api/v1/chat", body, "X-Tenant-ID: a"); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	say("c", "u", "secret of c")
	say("d", "u", "of u")
	say("d", "v", "of v")
	say("e", "v", "kept")
	host.eventually(followTimeout, "the memory has all", d.keeps("", "a", "c: secret of c", "d: of u, of v", "e: kept"))

	away := d.path + ".away"
	if err := os.WriteFile(away, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	remove := func(conversation string) int {
		return host.do("DELETE", "/api/v1/conversations/"+conversation, "", "X-Tenant-ID: a").Status
	}
	if status := remove("c"); status < 500 {
		t.Errorf("the deletion is done while the memory is away: %d", status)
	}
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	host.eventually(90*time.Second, "the deletion is repeated until the memory has forgotten", func() bool {
		status := remove("c")
		return status == 204 || status == 404
	})
	if got := d.texts("", "a"); !slices.Equal(got, []string{"d: of u, of v", "e: kept"}) {
		t.Errorf("after the deletion: %q", got)
	}
	say("c", "u", "new under the id")
	host.eventually(followTimeout, "a reused id begins anew", d.keeps("", "a", "c: new under the id", "d: of u, of v", "e: kept"))

	host.mustCLI("tenant", "erase", "a", "--user", "u", "--yes")
	if got := d.texts("", "a"); !slices.Equal(got, []string{"d: of v", "e: kept"}) {
		t.Errorf("after the user's erasure: %q", got)
	}
	host.mustCLI("tenant", "erase", "a", "--yes")
	if got := d.texts("", "a"); len(got) > 0 {
		t.Errorf("after the erasure: %q", got)
	}
	say("c", "u", "after the erasure")
	host.eventually(followTimeout, "the tenant goes on", d.keeps("", "a", "c: after the erasure"))
	host.purge("a")
	if got := d.texts("", "a"); len(got) > 0 {
		t.Errorf("after the purge: %q", got)
	}
}

// TestMemoryFollowing_storeKey checks that a changed setting that does not concern what is kept tells
// the memory nothing again, and that another store key tells it all.
func TestMemoryFollowing_storeKey(t *testing.T) {
	t.Parallel()
	host, d := prepareDiary(t, "")
	host.runUntilTheEnd()
	host.put("a", `{}`)
	host.mustChat("a", "c", "one")
	host.eventually(followTimeout, "the memory has it", d.keeps("", "a", "c: one"))
	host.put("a", `{"memory":{"results":7}}`)
	host.mustChat("a", "c", "two")
	host.eventually(followTimeout, "the memory goes on", d.keeps("", "a", "c: one, two"))
	if _, most := d.told("", "a"); most != 1 {
		t.Errorf("another number of results tells a turn %d times", most)
	}
	host.put("a", `{"memory":{"chapter":"second"}}`)
	host.mustChat("a", "d", "three")
	host.eventually(followTimeout, "another store key begins at the first turn", d.keeps("second", "a", "c: one, two", "d: three"))
	if a := host.do("DELETE", "/api/v1/conversations/c", "", "X-Tenant-ID: a"); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	host.put("a", `{"memory":{"chapter":null}}`)
	host.mustChat("a", "e", "four")
	host.eventually(followTimeout, "the first key forgets what was deleted meanwhile, and catches up", d.keeps("", "a", "d: three", "e: four"))
	if _, most := d.told("", "a"); most != 1 {
		t.Errorf("the first store key was told a turn %d times", most)
	}
}

// TestMemoryFollowing_manyStoreKeys checks that a memory whose settings change again and again remembers
// nothing of what was deleted when it has its first settings again, and catches up.
func TestMemoryFollowing_manyStoreKeys(t *testing.T) {
	t.Parallel()
	host, d := prepareDiary(t, "")
	host.runUntilTheEnd()
	host.put("a", `{}`)
	host.mustChat("a", "c", "one")
	host.mustChat("a", "d", "secret")
	host.eventually(followTimeout, "the memory has all", d.keeps("", "a", "c: one", "d: secret"))
	for i := range sdk.MaxStoreKeys {
		chapter := fmt.Sprint("chapter", i)
		host.put("a", fmt.Sprintf(`{"memory":{"chapter":%q}}`, chapter))
		host.mustChat("a", "e", "hello")
		host.eventually(followTimeout, chapter+" begins at the first turn", func() bool { return len(d.of(chapter, "a")) == 3 })
	}
	if a := host.do("DELETE", "/api/v1/conversations/d", "", "X-Tenant-ID: a"); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	host.put("a", `{}`)
	host.mustChat("a", "c", "two")
	if got := d.texts("", "a"); slices.Contains(got, "d: secret") {
		t.Errorf("the first settings remember %q", got)
	}
	host.eventually(followTimeout, "the first settings begin anew", func() bool {
		got := d.texts("", "a")
		return len(got) == 2 && got[0] == "c: one, two"
	})
}
