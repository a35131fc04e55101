package prompt

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// TestZone checks that a zone has one name only, so that tenants cannot make more zones than the database
// has.
func TestZone(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "UTC": true, "Europe/Berlin": true, "America/Argentina/Buenos_Aires": true, "Etc/GMT+5": true, "EST": true,
		"Local": false, "Europe/Atlantis": false, "../etc/passwd": false, "/etc/localtime": false, strings.Repeat("a", 200): false,
		"Europe//Berlin": false, "Europe/./Berlin": false, "./Europe/Berlin": false, "Europe/Berlin/": false, "Europe/../Europe/Berlin": false,
		"europe/berlin": false, "Europe": false, "Europe/": false, "localtime": false, "posixrules": false, "posix/Europe/Berlin": false,
		"right/Europe/Berlin": false, "Factory": false, "zone.tab": false, "tzdata.zi": false, "Europe/Berlin\x00": false,
	} {
		if zone, ok := Zone(name); ok != want || ok && zone == nil {
			t.Errorf("%q: %v, %t", name, zone, ok)
		}
	}
}

// TestZone_readsNoFile checks that the rules of a zone are those of the program, whatever the environment
// of its process names as the database.
func TestZone_readsNoFile(t *testing.T) {
	folder := t.TempDir()
	tokyo, err := os.ReadFile(filepath.Join("testdata", "Tokyo"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Lisbon", "Atlantis"} {
		if err := os.MkdirAll(filepath.Join(folder, "Europe"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "Europe", name), tokyo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestZone_child$", "-test.v")
	cmd.Env = append(os.Environ(), "ZONEINFO="+folder, "BOTYARD_ZONE_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Lisbon 12:00, no Atlantis") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestZone_child is the process of TestZone_readsNoFile.
func TestZone_child(t *testing.T) {
	if os.Getenv("BOTYARD_ZONE_CHILD") == "" {
		t.Skip("a part of TestZone_readsNoFile")
	}
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	if other, err := time.LoadLocation("Europe/Lisbon"); err != nil || noon.In(other).Hour() != 21 {
		t.Errorf("the environment has no database: %v, %v", other, err)
	}
	zone, ok := Zone("Europe/Lisbon")
	if _, found := Zone("Europe/Atlantis"); !ok || found {
		t.Fatalf("Lisbon %t, Atlantis %t", ok, found)
	}
	t.Logf("Lisbon %s, no Atlantis", noon.In(zone).Format("15:04"))
}

// TestZone_all checks that each zone of the database can be read and has a name within its bound.
func TestZone_all(t *testing.T) {
	if n := len(zones()); n < 500 {
		t.Errorf("the database has %d zones", n)
	}
	for name := range zones() {
		zone, ok := Zone(name)
		if !ok || zone.String() != name || len(name) > bounds.TimezoneBytes {
			t.Errorf("%q is %v, %t", name, zone, ok)
		}
		if again, _ := Zone(name); again != zone {
			t.Errorf("%q is read twice", name)
		}
	}
}
