package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
)

// These constants bound the callbacks of one plugin process: its calls of host services.
const (
	// CallbacksEach is how many callbacks of one call of the host run at once. CallbacksOfTenant is
	// how many of one tenant do.
	CallbacksEach     = 8
	CallbacksOfTenant = 64
	// CallbackConnections is how many connections the process has. CallbackStreams is how many
	// callbacks run at once on a connection.
	CallbackConnections = 2
	CallbackStreams     = 64
	// CallbackBytes is the size of a request. It is a little more than what plugins may send, for the
	// role and the frame of the message.
	CallbackBytes = sdk.MaxHostRequestBytes + 4<<10
	// CallbackHeaderBytes is the size of the headers of a request.
	CallbackHeaderBytes = 8 << 10
)

// processes has the bounds of plugin processes, instances and calls. Package host/plugins enforces
// these bounds.
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
		Name: "output before the handshake", What: "What a plugin process writes to its standard output in the place of the handshake.",
		Each: Bytes(PreambleBytes), Answer: "The error of the start has the beginning, and not the rest.",
	},
	{
		Name: "failing tenants", What: "The tenants whose calls fail that a configuration of a plugin tells apart.",
		All: fmt.Sprintf("%d for each configuration", FailingTenants), Answer: "Their failures are counted anew.",
	},
	{
		Name: "callbacks of a call", What: "The callbacks of a plugin to the host that run at once for one call of the host.",
		Each: fmt.Sprint(CallbacksEach), Answer: "rate_limited for the plugin.",
	},
	{
		Name: "callbacks of a tenant", What: "The callbacks of a plugin process that run at once for one tenant.",
		Each: fmt.Sprint(CallbacksOfTenant), Answer: "rate_limited for the plugin.",
	},
	{
		Name: "callbacks of a process", What: "The callbacks of a plugin process that run at once.",
		All: fmt.Sprintf("%d on each of %d connections", CallbackStreams, CallbackConnections), Answer: "Callbacks wait in the plugin. A further connection is closed.",
	},
	{
		Name: "callback", What: "The size of a callback's request.",
		Each: Bytes(sdk.MaxHostRequestBytes), Answer: "invalid for the plugin.",
	},
	{
		Name: "answer to a callback", What: "The size of a message that answers a callback.",
		Each: Bytes(sdk.MaxHostAnswerBytes), Answer: "The callback fails.",
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
		Answer: fmt.Sprintf("503 for this tenant alone, for %s; twice as long each further time, up to %s.", span(BlamePause), span(MaxBlamePause)),
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

// These constants bound calls and instances. Package host/plugins enforces these bounds.
const (
	// WaitingCalls is how many calls of one tenant may wait for one plugin, for all instances
	// together. WaitingCallsOfAll is how many calls of all tenants may wait for one plugin.
	WaitingCalls      = 1024
	WaitingCallsOfAll = 16384
	// Instances is how many instances of one plugin a tenant may have: one instance for its current
	// configuration, and one for each earlier configuration with a running turn. InstancesOfAll is
	// how many instances one plugin may have.
	Instances      = 16
	InstancesOfAll = 65536
	// BackgroundCalls is how many calls the host makes at the same time to end turns of one tenant
	// in the background. BackgroundCallsOfAll is the maximum for all tenants together.
	BackgroundCalls      = 8
	BackgroundCallsOfAll = 256
	// BackgroundTasks is how many turns of one instance the host ends in the background.
	BackgroundTasks = 256
)

// These constants bound the output of processes, and the data that a host stores about processes.
// Package host/plugins enforces these bounds.
const (
	// OutputLines is how many lines per second the host logs of the output of one process, in the
	// long run. OutputBurst is how many lines the host logs in one burst. OutputLineBytes is how
	// many bytes of a line the host logs. OutputFields is how many fields the host logs of a line
	// that is a structured log entry.
	OutputLines     = 200
	OutputBurst     = 2000
	OutputLineBytes = 16 << 10
	OutputFields    = 32
	// PreambleBytes is how many bytes of its standard output the error of a process has that wrote
	// no handshake.
	PreambleBytes = 64 << 10
	// FailingTenants is the maximum number of tenants whose failures an instance counts separately.
	FailingTenants = 1024
	// DrainingProcesses is how many processes of a plugin may be draining. The next replacement of
	// a process waits until a draining process has ended. The wait cuts off no call.
	DrainingProcesses = 4
	// LockFileBytes is the maximum size of a lock file. It is far more than all plugins of a folder
	// need.
	LockFileBytes = 1 << 20
)

// span returns a readable duration, such as 30 minutes or 10 seconds.
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

// These constants bound how the host blames tenants and configurations for crashes of a plugin's
// process. Package host/plugins enforces these bounds.
const (
	// BlamedCrashes is the number of crashes that one tenant or one configuration must certainly
	// have caused before the plugin refuses calls of that tenant or configuration.
	BlamedCrashes = 3
	// BlamePause is how long the plugin refuses a blamed tenant or configuration at first. Each
	// further crash doubles the time, up to MaxBlamePause.
	BlamePause    = time.Minute
	MaxBlamePause = 30 * time.Minute
	// BlameMemory is how long the host remembers a tenant after the last crash that the tenant
	// caused.
	BlameMemory = time.Hour
	// SuspectTime is how long a suspect's calls go to a process apart from other tenants, at first.
	SuspectTime = 10 * time.Minute
	// SuspectedTenants is how many suspects the host remembers for each plugin.
	SuspectedTenants = 1024
	// PluginCells is how many processes for suspects a plugin may have beside its usual process.
	PluginCells = 6
	// AbandonedTenants is how many tenants with an abandoned call the host remembers for one
	// process, and AbandonedTime is for how long. A call is abandoned when its caller has stopped
	// waiting for it.
	AbandonedTenants = 256
	AbandonedTime    = 10 * time.Second
	// CrashLoops is how many configurations in a crash loop the host remembers for each plugin.
	CrashLoops = 1024
)
