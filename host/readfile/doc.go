// Package readfile reads the files that configure a host. A file is read as a whole or not at
// all. Files that are too large are refused. A file system that does not answer, such as a
// mount whose server is gone, blocks nobody.
//
// Files:
//
//   - read.go: reading a file; which files are refused; files that change meanwhile.
//   - blocked.go: how long a file system is waited for, and when it is not asked again.
//   - world_readable.go: whether every user of the machine may read a file.
package readfile
