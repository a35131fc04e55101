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
package sdk
