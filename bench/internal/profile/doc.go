// Package profile lets another process profile this one for a while: it says when
// to begin and when to end by signal, so that what is profiled is the load alone.
package profile
