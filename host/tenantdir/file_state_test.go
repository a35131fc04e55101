package tenantdir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFileState_renames checks that a tenant stays served while its file is saved or renamed in
// many ways, and that the new content is served afterwards.
func TestFileState_renames(t *testing.T) {
	const hcl, yaml = "v = 2", "v: 2\n"
	type steps []func(r *rig) // the test lets the time of the field every pass after each step
	move := func(from, to string) func(*rig) {
		return func(r *rig) { must(r.T, os.Rename(r.in(from), r.in(to))) }
	}
	text := func(name, text string) func(*rig) {
		return func(r *rig) { must(r.T, os.WriteFile(r.in(name), []byte(text), 0o600)) }
	}
	remove := func(name string) func(*rig) { return func(r *rig) { must(r.T, os.Remove(r.in(name))) } }
	all := func(do ...func(*rig)) func(*rig) {
		return func(r *rig) {
			for _, d := range do {
				d(r)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		steps steps
		every time.Duration // the time between two steps
		v     string
		from  string // the file from which the tenant comes in the end
		bad   string // a part of the error of the newest file; empty if the file is valid
	}{
		{"from HCL to YAML", steps{all(remove("a.hcl"), text("a.yaml", yaml))}, 0, "2", "a.yaml", ""},
		{"the new one first", steps{text("a.yaml", yaml), remove("a.hcl")}, 200 * time.Millisecond, "2", "a.yaml", ""},
		{"the new one long before", steps{text("a.yaml", yaml), remove("a.hcl")}, 5 * time.Second, "2", "a.yaml", ""},
		{"the new one a moment later", steps{remove("a.hcl"), text("a.yaml", yaml)}, 800 * time.Millisecond, "2", "a.yaml", ""},
		// the content is HCL, which is not valid YAML
		{"renamed as it is", steps{move("a.hcl", "a.yml")}, 0, "1", "a.yml", "a.yml"},
		{"to another folder", steps{move("a.hcl", "../more/a.hcl")}, 0, "1", "../more/a.hcl", ""},
		{"to another folder and back", steps{move("a.hcl", "../more/a.hcl"), move("../more/a.hcl", "a.hcl")}, 3 * time.Second, "1", "a.hcl", ""},
		{"to another folder, in two steps", steps{move("a.hcl", "../aside"), move("../aside", "../more/a.hcl")}, 800 * time.Millisecond, "1", "../more/a.hcl", ""},
		{"away and back", steps{move("a.hcl", "../aside"), move("../aside", "a.hcl")}, 800 * time.Millisecond, "1", "a.hcl", ""},
		{"with a mistake", steps{all(remove("a.hcl"), text("a.yaml", "w: 2\n"))}, 0, "1", "a.yaml", "missing"},
		{"with a mistake, and mended", steps{all(remove("a.hcl"), text("a.yaml", ": ")), text("a.yaml", yaml)}, 3 * time.Second, "2", "a.yaml", ""},
		{"with a mistake, and back", steps{all(remove("a.hcl"), text("a.yaml", ": ")), all(remove("a.yaml"), text("a.hcl", hcl))}, 3 * time.Second, "2", "a.hcl", ""},
		{"three times", steps{all(remove("a.hcl"), text("a.yaml", yaml)), move("a.yaml", "a.yml"), move("a.yml", "../more/a.yaml")}, 100 * time.Millisecond, "2", "../more/a.yaml", ""},
		{"written aside and renamed", steps{text(".a.hcl.new", hcl), move(".a.hcl.new", "a.hcl")}, time.Second, "2", "a.hcl", ""},
		{"removed and written", steps{remove("a.hcl"), text("a.hcl", hcl)}, 500 * time.Millisecond, "2", "a.hcl", ""},
		{"with a backup", steps{move("a.hcl", "a.hcl~"), text("a.hcl", hcl)}, 500 * time.Millisecond, "2", "a.hcl", ""},
		{"exchanged for another's", steps{all(move("a.hcl", "x"), move("t001.hcl", "a.hcl"), move("x", "t001.hcl"))}, 0, "t1", "a.hcl", ""},
		{"as a folder", steps{all(remove("a.hcl"), func(r *rig) { must(r.T, os.Mkdir(r.in("a.hcl"), 0o700)) }, text("a.yaml", yaml))}, 0, "2", "a.yaml", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			root := t.TempDir()
			r.dir = filepath.Join(root, "tenants")
			r.more = []string{filepath.Join(root, "more")}
			must(t, os.Mkdir(r.dir, 0o700), os.Mkdir(r.more[0], 0o700))
			for i := range 3 {
				r.write(fmt.Sprintf("t%03d.hcl", i), fmt.Sprintf("v = \"t%d\"", i))
			}
			r.write("a.hcl", "v = 1")
			r.restart()
			pass := r.clocked()
			r.load()
			during := func(d time.Duration) {
				for ; d > 0; d -= 100 * time.Millisecond {
					if pass(100 * time.Millisecond); len(r.served) != 4 {
						t.Fatalf("served %v", r.served)
					}
				}
			}
			for _, step := range tt.steps {
				step(r)
				during(tt.every)
			}
			during(3 * time.Second)
			if held, _ := r.Held(); len(held) > 0 || len(r.drops) > 0 {
				t.Errorf("held %v, dropped %v", held, r.drops)
			}
			check := func(when string) {
				t.Helper()
				v, err := r.get("a")
				if v != tt.v || r.path["a"] != r.in(tt.from) {
					t.Errorf("%s: served %q from %s", when, v, r.path["a"])
				}
				if (err != nil) != (tt.bad != "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
					t.Errorf("%s: refused for %v", when, err)
				}
			}
			check("at once")
			r.restart()
			pass = r.clocked()
			r.load()
			pass(3 * time.Second)
			check("after a restart")
		})
	}
}

// TestFileState_twoFiles checks that of two files with one id the first is used, even after a
// restart, and that Ignored lists the second.
func TestFileState_twoFiles(t *testing.T) {
	r, pass := clocked(t, 0)
	r.write("a.yaml", "v: 1\n")
	pass(time.Second)
	r.write("a.hcl", "v = 2")
	pass(time.Second)
	check := func(when string) {
		t.Helper()
		ignored := r.Ignored()
		if !r.serves("a", "1")() || len(ignored) != 1 || ignored[0].Path != r.in("a.hcl") || !strings.Contains(ignored[0].Reason, r.in("a.yaml")) {
			t.Errorf("%s: served %v, ignored %v", when, r.served, ignored)
		}
	}
	check("at once")
	r.restart()
	r.load()
	check("after a restart")
	must(t, os.Remove(r.in("a.yaml")))
	r.scan(context.Background())
	if !r.serves("a", "2")() || len(r.Ignored()) != 0 {
		t.Errorf("served %v, ignored %v", r.served, r.Ignored())
	}
}

// TestFileState_newID checks that renaming a file to another id drops one tenant and adds
// another.
func TestFileState_newID(t *testing.T) {
	for _, to := range []string{"b.hcl", "T000.hcl", "b.yaml"} {
		t.Run(to, func(t *testing.T) {
			r, pass := clocked(t, 2)
			must(t, os.Rename(r.in("t000.hcl"), r.in(to)))
			if filepath.Ext(to) == ".yaml" {
				put(t, r.dir, to, "v: 1\n")
			}
			pass(3 * time.Second)
			if !r.serves("t000", "")() || !r.serves(idOf(to), "1")() {
				t.Errorf("served %v", r.served)
			}
		})
	}
}

// TestFileState_renameWhileFolderAway checks that the files of a folder that cannot be read
// count as existing.
func TestFileState_renameWhileFolderAway(t *testing.T) {
	r := newRig(t)
	root := t.TempDir()
	r.dir, r.more = filepath.Join(root, "tenants"), []string{filepath.Join(root, "more")}
	must(t, os.Mkdir(r.dir, 0o700), os.Mkdir(r.more[0], 0o700))
	r.write("a.hcl", "v = 1")
	r.write("b.hcl", "v = 1")
	r.restart()
	pass := r.clocked()
	r.load()
	must(t, os.Rename(r.dir, r.dir+"-away"))
	put(t, r.more[0], "a.hcl", "v = 2")
	pass(5 * time.Second)
	if !r.serves("a", "1")() || !r.serves("b", "1")() {
		t.Fatalf("served %v", r.served)
	}
	must(t, os.Remove(filepath.Join(r.dir+"-away", "a.hcl")), os.Rename(r.dir+"-away", r.dir))
	pass(5 * time.Second)
	if !r.serves("a", "2")() || !r.serves("b", "1")() || len(r.drops) != 0 {
		t.Errorf("served %v, dropped %v", r.served, r.drops)
	}
}
