// Package wire converts messages, token usage and times to the protocol's form, and back.
//
// # Files
//
//	chat_adapter.go  all conversions
//	chat_request.go  the decoding of requests of a model
//	fields.go        the fields of messages that are encoded without the protobuf library
//	plain_text.go    the encoded form of messages; that of plain ones without the protobuf library
package wire
