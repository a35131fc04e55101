// Package jsonstream writes JSON with long texts piece by piece, and counts the values of a JSON
// text before decoding.
//
// Files:
//
//   - long_texts.go: writing a value without its long texts as JSON in memory.
//   - encode.go: encoding a value or a text.
//   - count.go: counting values.
package jsonstream
