package bounds

import "strconv"

// Settings of tenants that are worked on. Judging is reading, merging and checking them.
const (
	// JudgedAtOnce is of how many tenants settings are judged at the same time;
	// JudgedAtOnceEach is how many settings of one tenant are.
	JudgedAtOnce     = 4
	JudgedAtOnceEach = 1
	// SettingsUnderWay is how many requests about settings a host takes at once, those that
	// wait for others included; SettingsUnderWayEach is how many of one tenant.
	SettingsUnderWay     = 256
	SettingsUnderWayEach = 16
)

// configuration are the bounds of documents, their keys and their checks, by host/config.
var configuration = []Bound{
	{
		Name: "judged at once", What: "How many settings of a tenant are read, merged and checked at the same time: for requests, for turns of tenants that are not loaded, for files and for reloads.",
		Each: strconv.Itoa(JudgedAtOnceEach), All: strconv.Itoa(JudgedAtOnce),
		Answer: "It waits, in turns by tenant, as long as its caller does.",
	},
	{
		Name: "settings under way", What: "How many requests that write or show settings of a tenant are under way, waiting ones included.",
		Each: strconv.Itoa(SettingsUnderWayEach), All: strconv.Itoa(SettingsUnderWay),
		Answer: "429, to be repeated after a second",
	},
}
