// Package wire converts messages, token usage and times to their form in the protocol, and back.
//
// # Files
//
//	chat_adapter.go  all conversions
package wire
