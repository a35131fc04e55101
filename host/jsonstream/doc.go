// Package jsonstream writes JSON with long texts piece by piece, and counts the values of a
// JSON text before it is decoded.
//
// Files:
//
//   - long_texts.go: writing a value whose long texts are not encoded in memory.
//   - encode.go: encoding a value or a text.
//   - count.go: counting values.
package jsonstream
