package prompt

import (
	"sync"
	"time"
	_ "time/tzdata" // embeds the time zone database, for machines that have none

	"github.com/botyard/botyard/host/bounds"
)

// zones caches the results of Zone: it maps the name to the *time.Location.
var zones sync.Map

// Zone returns the time zone with a name of the IANA database, such as Europe/Berlin. It returns
// UTC for an empty name. It returns false for an unknown name, for a name of more than
// bounds.TimezoneBytes bytes, and for Local, which stands for another zone on another host.
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
