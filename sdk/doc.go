// Package sdk is what the author of a plugin imports. A plugin consists of a typed configuration
// struct, a constructor and an implementation of its kind's interface. Its main function is one
// call:
//
//	func main() { sdk.Serve(echo.Plugin()) }
//
// The packages llm, memory and storage have the interfaces, and functions that return a Plugin.
// Serve performs the handshake, opens and closes instances, decodes configurations, sends the log to
// the host, limits the sizes of messages, turns panics into errors, and exits when the host is gone.
//
// Serve sets GOMAXPROCS to 1, because most plugins only wait for other processes. A plugin that
// computes uses the option Threads, so that it may use more processors.
//
// # Files
//
//	serve.go           Serve: all that the main function of a plugin calls; --info
//	lifeline.go        standard input: the secret of the host, the end; signals of other senders
//	secret.go          how each call of the host proves that it is the host's
//	ending.go          what happens at the end of standard input: calls finish, instances close
//	server_options.go  options of the gRPC server: sizes, windows, panics turned into errors
//	handshake.go       what host and plugin agree on before the first call; environment variables
//	plugin.go          Plugin, Info and Backend: what a plugin is, and its description of itself
//	validator.go       Validator: how a configuration struct checks what its schema cannot say
//	checker.go         Checker: how an instance says whether it can do its work now
//	instance.go        Env, Traits and Capacity: what an instance gets from the host, and needs
//	host_client.go     HostServices: what a plugin may ask of its host, and the connection for it
//	llm_traits.go      LLMTraits: what the model of an llm instance takes
//	llm_traits_adapter.go  LLMTraits in the form of the protocol
//	call.go            Call: for which tenant, conversation and user the host calls
//	limits.go          the bounds of all that is sent or read, in bytes and counts
//	plugin_adapter.go  the gRPC service that all kinds have: info, checks, configure, release
//	codec.go           the encoding of sent messages; texts that are not UTF-8 are cleaned
//	threads.go         Threads: on how many threads a plugin runs Go code
//	gc_tuning.go       TuneMemory: how often the heap is collected, when memory is returned
//	dumps_linux.go     ForbidDumps: protects the process's memory from other processes
//	dumps_other.go     ForbidDumps on systems other than Linux
package sdk
