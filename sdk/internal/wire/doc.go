// Package wire converts messages, token usage and times to the protocol's form, and back.
//
// # Files
//
//	chat_adapter.go  all conversions
//	plain_text.go    the encoded form of messages; that of plain ones without the protobuf library
package wire
