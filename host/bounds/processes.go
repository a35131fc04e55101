package bounds

import (
	"fmt"
	"time"
)

// processes are the bounds of plugin processes, of instances and of calls, by host/plugins.
var processes = []Bound{
	{
		Name: "waiting calls", What: "The calls that wait for one of a plugin's `max_calls`, on all configurations of it.",
		Each: fmt.Sprint(WaitingCalls), All: fmt.Sprint(WaitingCallsOfAll),
		Answer: "429 for the tenant; 503 once all together are too many. Retry-After says when to come again.",
	},
	{
		Name: "instances", What: "The configurations of one plugin that a tenant has in use: its own, and earlier ones whose turns have not ended.",
		Each: fmt.Sprint(Instances), All: fmt.Sprintf("%d for each plugin", InstancesOfAll),
		Answer: "429 until a turn of an earlier one has ended; 503 once all together are too many.",
	},
	{
		Name: "lines of output", What: "The lines of a plugin process's output that are logged each second, in the long run.",
		Each: fmt.Sprintf("%d, and %d at once", OutputLines, OutputBurst), Answer: "The others are dropped and counted, and the log says how many.",
	},
	{
		Name: "line of output", What: "The size of a line of a plugin process's output, or of a field of it.",
		Each: Bytes(OutputLineBytes), Answer: "The rest of the line is dropped.",
	},
	{
		Name: "failing tenants", What: "The tenants whose calls fail that a configuration of a plugin tells apart.",
		All: fmt.Sprintf("%d for each configuration", FailingTenants), Answer: "Their failures are counted anew.",
	},
	{
		Name: "replaced processes", What: "The processes of a plugin that were replaced and still have calls.",
		All: fmt.Sprintf("%d for each plugin", DrainingProcesses), Answer: "The next replacement waits for one of them to end.",
	},
	{
		Name: "lock file", What: "The size of a plugin folder's botyard.lock.",
		Each: Bytes(LockFileBytes), Answer: "All plugins of the folder are refused.",
	},
	{
		Name: "calls in the background", What: "The calls that are made at once to end turns that a storage did not answer; each takes one of `max_calls`.",
		Each: fmt.Sprint(BackgroundCalls), All: fmt.Sprint(BackgroundCallsOfAll),
		Answer: "The others wait, and their turns with them.",
	},
	{
		Name: "tasks in the background", What: "The turns that are ended in the background on one configuration of a storage.",
		All:    fmt.Sprint(BackgroundTasks),
		Answer: "The turn is not ended by its host; its conversation is free when its lease has run out.",
	},
	{
		Name: "tenant that ends a plugin", What: "How often a tenant's calls or configurations may certainly end a process of a plugin within ten minutes.",
		Each:   fmt.Sprint(BlamedCrashes),
		Answer: fmt.Sprintf("503 for this tenant alone, for %s; twice as long each further time, up to %s.", span(BlamePause), span(BlameMost)),
	},
	{
		Name: "configuration that ends a plugin", What: "How often the process of a plugin may end as it is given one configuration.",
		Each: fmt.Sprint(BlamedCrashes), All: fmt.Sprintf("%d configurations are remembered for each plugin.", CrashLoops),
		Answer: fmt.Sprintf("503 for all who have that configuration, for %s.", span(BlamePause)),
	},
	{
		Name: "tenants remembered for crashes", What: "The tenants of which a plugin remembers that a process of it ended while it worked for them.",
		All:    fmt.Sprintf("%d for each plugin, for %s", SuspectedTenants, span(BlameMemory)),
		Answer: "The one heard of longest ago is forgotten, those that are refused last.",
	},
	{
		Name: "processes for suspects", What: "The processes that a plugin has beside its own for tenants that were in one when it ended.",
		All:    fmt.Sprintf("%d for each plugin", PluginCells),
		Answer: "Two groups of tenants share a process.",
	},
	{
		Name: "tenants with abandoned calls", What: "The tenants of which a process remembers that nobody waits for a call any more on which it may still work.",
		All:    fmt.Sprintf("%d for each process, for %s", AbandonedTenants, span(AbandonedTime)),
		Answer: "The one that abandoned its call first is forgotten.",
	},
}

// Of calls and instances, by host/plugins.
const (
	// WaitingCalls is how many calls of one tenant wait at one plugin, on all its instances,
	// and WaitingCallsOfAll those of all tenants.
	WaitingCalls      = 1024
	WaitingCallsOfAll = 16384
	// Instances is how many instances of one plugin a tenant has: that of its configuration,
	// and those of earlier ones whose turns have not ended. InstancesOfAll is how many a
	// plugin has.
	Instances      = 16
	InstancesOfAll = 65536
	// BackgroundCalls is how many calls are made at once to end turns of one tenant in the
	// background, and BackgroundCallsOfAll for those of all tenants.
	BackgroundCalls      = 8
	BackgroundCallsOfAll = 256
	// BackgroundTasks is how many turns are ended in the background on one instance.
	BackgroundTasks = 256
)

// Of what a process may say, and of what a host keeps of processes, by host/plugins.
const (
	// OutputLines is how many lines of one process's output are logged a second, in the long
	// run, and OutputBurst at once. OutputLineBytes is how much of a line, and OutputFields how
	// many fields of one that is a log entry.
	OutputLines     = 200
	OutputBurst     = 2000
	OutputLineBytes = 16 << 10
	OutputFields    = 32
	// FailingTenants is how many tenants whose calls fail an instance tells apart.
	FailingTenants = 1024
	// DrainingProcesses is how many processes of a plugin that were replaced still have calls:
	// the next replacement waits for one of them, and no call is cut off for it.
	DrainingProcesses = 4
	// LockFileBytes is far more than the lines of all plugins of a folder.
	LockFileBytes = 1 << 20
)

// span writes a time for people: 30 minutes, 10 seconds.
func span(d time.Duration) string {
	unit, n := "second", int(d/time.Second)
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		unit, n = "hour", int(d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		unit, n = "minute", int(d/time.Minute)
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprint(n, " ", unit)
}

// Of who is blamed for the end of a plugin's process, by host/plugins.
const (
	// BlamedCrashes is how many ends of a process that are certainly one tenant's doing, or
	// one configuration's, it takes until that is refused.
	BlamedCrashes = 3
	// BlamePause is for how long it is refused at first; each further end doubles that, up to
	// BlameMost.
	BlamePause = time.Minute
	BlameMost  = 30 * time.Minute
	// BlameMemory is how long a tenant is remembered after its last deed.
	BlameMemory = time.Hour
	// SuspectTime is how long a suspect stays apart from the others, at first.
	SuspectTime = 10 * time.Minute
	// SuspectedTenants is how many tenants are remembered, for each plugin.
	SuspectedTenants = 1024
	// PluginCells is how many processes a plugin has beside its own for suspects.
	PluginCells = 6
	// AbandonedTenants is of how many tenants a process remembers a call that was abandoned,
	// and AbandonedTime for how long.
	AbandonedTenants = 256
	AbandonedTime    = 10 * time.Second
	// CrashLoops is how many configurations that end the process are remembered, for each
	// plugin.
	CrashLoops = 1024
)
