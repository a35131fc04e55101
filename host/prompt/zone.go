package prompt

import (
	"sync"
	"time"
	_ "time/tzdata" // so that every host knows the zones, also one without a file of them

	"github.com/botyard/botyard/host/bounds"
)

// zones has the zones that Zone has found, by name. It has no more entries than there are zones.
var zones sync.Map

// Zone returns the time zone with a name of the IANA database, such as Europe/Berlin. It returns
// UTC for an empty name. It returns false for an unknown name, and for Local, which another host
// would read otherwise.
func Zone(name string) (*time.Location, bool) {
	if name == "" {
		return time.UTC, true
	}
	if len(name) > bounds.TimezoneBytes || name == "Local" {
		return nil, false
	}
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), true
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	zones.Store(name, zone)
	return zone, true
}
