// Package sdk is what the author of a plugin imports. A plugin is a typed
// configuration struct, a constructor and an implementation of its kind's
// interface; its main is one call:
//
//	func main() { sdk.Serve(echo.Plugin()) }
//
// The packages llm, memory and storage have the interfaces and make the Plugin.
// Serve does the rest: handshake, instances, configuration schema and decoding,
// panics turned into errors, logging, message size limits, and noticing that the
// host is gone.
//
// # Files
//
//	serve.go           Serve: all that the main function of a plugin calls; --info
//	lifeline.go        when the process ends: its host is gone; signals of others are outlived
//	server_options.go  options of the gRPC server: sizes, windows, panics turned into errors
//	handshake.go       what host and plugin agree on before the first call; environment variables
//	plugin.go          Plugin, Info and Backend: what a plugin is and says of itself
//	instance.go        Env, Traits and Capacity: what an instance is given, and what it asks for
//	call.go            Call: on whose behalf the host calls
//	limits.go          the bounds of all that is carried or read, in bytes and counts
//	plugin_adapter.go  the service that all kinds have: info, configure, release
//	codec.go           how answers are encoded; texts that are not UTF-8 are cleaned
//	gc_tuning.go       TuneMemory: how often the heap is collected, when memory is given back
//	dumps_linux.go     ForbidDumps: keeps the process's memory from others; dumps_other.go elsewhere
package sdk
