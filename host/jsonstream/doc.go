// Package jsonstream writes JSON piece by piece, and counts what JSON is made of before
// it is read.
package jsonstream
