// Package readfile reads the files that a host is configured by: whole or not at all,
// none that is too large, and without waiting for one that does not answer, which a
// pipe, a device or a mount whose server is gone does not.
package readfile
