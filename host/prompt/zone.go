package prompt

import (
	"archive/zip"
	"bytes"
	_ "embed" // for zoneinfo
	"io"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// zoneinfo is the IANA database of time zones, as a Go release brings it in lib/time. `make zones` writes
// it. All hosts of one version of the program agree on the names and the rules of the zones, because the
// program reads no database of its machine.
//
//go:embed zoneinfo.zip
var zoneinfo []byte

// noZone is an entry of the database that stands for a machine whose zone nobody has set.
const noZone = "Factory"

// zones has a function for each name of the database, which reads the zone at its first call. There is no
// entry for other names, so that names of tenants cannot fill it.
var zones = sync.OnceValue(func() map[string]func() (*time.Location, error) {
	archive, err := zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		return nil // a test reads the database
	}
	out := make(map[string]func() (*time.Location, error), len(archive.File))
	for _, f := range archive.File {
		if f.Mode().IsRegular() && f.Name != noZone {
			out[f.Name] = sync.OnceValues(func() (*time.Location, error) { return readZone(f) })
		}
	}
	return out
})

// readZone reads a time zone from its file in the database.
func readZone(f *zip.File) (*time.Location, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(f.Name, data)
}

// Zone returns the time zone with a name of the IANA database, such as Europe/Berlin, in exactly that
// spelling. It returns UTC for an empty name. It returns false for all other names, such as Local, and
// for a name of more than bounds.TimezoneBytes bytes.
func Zone(name string) (*time.Location, bool) {
	if name == "" || name == time.UTC.String() {
		return time.UTC, true
	}
	read, ok := zones()[name]
	if !ok || len(name) > bounds.TimezoneBytes {
		return nil, false
	}
	zone, err := read()
	return zone, err == nil
}
