// Package readfile reads the configuration files of a host. A read returns the whole file or an
// error. Files that are too large are refused. If a file system does not respond, for example a
// mount whose server is gone, a read fails after a few seconds.
//
// Files:
//
//   - read.go: reading a file; which files are refused; files that change during a read.
//   - blocked.go: how long a read waits for a file system, and when a read is refused at once.
//   - world_readable.go: whether every user of the machine may read a file.
package readfile
