// Package discovery finds plugin files in folders and decides which of them may be run. It
// starts no process, and does not import the packages that do.
//
// The manager calls a [Scanner] when the host starts, when a [FolderWatch] notices a
// change, and before each start of a plugin file.
//
// Where to look:
//
//   - ref.go: the names of plugins and of their files; the result of a scan, [Binary]
//   - scan.go: which folders are read, which of two files of the same name is used, and what
//     happens when a folder cannot be read for the moment
//   - verify.go: whether a file may be run: its mode, its owner, the operator's pin, the
//     lock file
//   - lockfile.go: botyard.lock, the checksums of a folder's plugins
//   - checksum.go: the checksum of a file, computed once for each content
//   - stamp_linux.go, stamp_other.go: whether a file may have changed since it was read
//   - executable.go: how the verified file is run, by descriptor or as a copy
//   - watch.go: when the folders are scanned again: events, polls, debounce
//   - transient.go: which errors are temporary lacks of the system, and not the fault of a
//     file
package discovery
