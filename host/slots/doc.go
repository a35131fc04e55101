// Package slots gives out leave to work: so much at once, so much of it for each tenant,
// and in turns by tenant where it is wanted by more than can have it.
package slots
