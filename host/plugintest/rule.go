package plugintest

import (
	"context"
	"errors"
)

// rule is what a plugin is asked for.
type rule struct {
	name, doc string
	// protocol is the name of the service, the method or the field in the .proto files whose
	// comment asks for it.
	protocol string
	// section is the anchor of the section of docs/protocol.md that explains it.
	section string
	// check returns an error that says what is wrong, or errSkip. It is nil for a rule of a
	// kit.
	check func(ctx context.Context, b *bench) error
}

// errSkip is the error of a rule that does not apply to the plugin.
var errSkip = errors.New("the rule does not apply")

// result returns the result of the rule whose check returned err.
func (r rule) result(err error) Result {
	out := Result{Rule: r.name, Doc: r.doc, Protocol: r.protocol, Section: page + "#" + r.section, Outcome: Passed}
	switch {
	case errors.Is(err, errSkip):
		out.Outcome = Skipped
	case err != nil:
		out.Outcome, out.Problem = Failed, err.Error()
	}
	return out
}

// page is the page with the sections of the rules.
const page = "docs/protocol.md"

const (
	pluginService  = "botyard.plugin.v1.PluginService"
	configureRPC   = pluginService + ".Configure"
	infoMessage    = "botyard.plugin.v1.GetInfoResponse"
	checkConfigRPC = pluginService + ".CheckConfig"
	checkRPC       = pluginService + ".Check"
	callsAtOnce    = infoMessage + ".max_concurrent_calls"
	llmService     = "botyard.llm.v1.LLMService"
	memoryService  = "botyard.memory.v1.MemoryService"
	storageService = "botyard.storage.v1.StorageService"
)

// serviceOf has the service of each kind.
var serviceOf = map[string]string{"llm": llmService, "memory": memoryService, "storage": storageService}

// rules are the rules of processes, in the order in which they are checked.
var rules = []rule{
	{"handshake", "The first line of standard output is 1|1|unix|PATH|grpc|, and the socket is in the folder that the plugin was given.", pluginService, "the-handshake-line", checkHandshake},
	{"info", "GetInfo says the kind and the name of the file, a service of that kind, and a valid schema.", infoMessage, "negotiation", checkInfo},
	{"health", "The health service says SERVING for the service \"plugin\".", pluginService, "health", checkHealth},
	{"secret", "A call without the secret of the host is refused with UNAUTHENTICATED, whichever it is.", pluginService, "the-secret", checkSecret},
	{"signals", "SIGTERM and SIGINT do nothing while standard input is open.", pluginService, "signals", checkSignals},
	{"end-of-input", "When standard input ends, the process exits with status 0.", pluginService, "the-end", checkEndOfInput},
	{"configure", "Configure with the same id is answered again, also at the same time, and Release succeeds twice.", configureRPC, "instances", checkConfigure},
	{"unknown-instance", "A call on an instance that was never configured fails with the class CLASS_UNKNOWN_INSTANCE.", "botyard.fault.v1.CLASS_UNKNOWN_INSTANCE", "instances", checkUnknownInstance},
	{"check-config", "CheckConfig finds nothing in a configuration that Configure takes, and in others all that is wrong at once, at keys of the schema.", checkConfigRPC, "checks", checkCheckConfig},
	{"check-config-effect", "CheckConfig opens no connection and writes no file.", checkConfigRPC, "checks", checkCheckConfigEffect},
	{"check", "Check succeeds or fails with a Fault, and knows no instance that was never configured.", checkRPC, "checks", checkCheck},
	{"check-deadline", "Check ends when its deadline has passed, so that the instance can be released.", checkRPC, "checks", checkCheckDeadline},
	{"sizes", "A request of 64 MiB is taken.", pluginService, "sizes", checkSizes},
	{"bad-requests", "A request in which everything is missing is answered, and the process goes on.", pluginService, "robustness", checkBadRequests},
	{"unknown-method", "A method that the plugin does not have fails with UNIMPLEMENTED.", pluginService, "unknown-methods", checkUnknownMethod},
	{"calls-at-once", "As many calls at once as max_concurrent_calls says, 64 if it is 0, leave room for health checks.", callsAtOnce, "calls-at-once", checkCallsAtOnce},
}
