// Package wire converts messages, token usage and times to the protocol's form, and back.
//
// # Files
//
//	chat_adapter.go  all conversions
package wire
