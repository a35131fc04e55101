// Package discovery finds plugin files in folders and decides which of them may be run.
// It starts nothing, and knows nothing of processes.
//
// A [Scanner] is asked by the manager: when the host starts, when a [FolderWatch] notices
// a change, and before each start of a file.
//
// Where to look:
//
//   - ref.go: the names of plugins and of their files; the result of a scan, [Binary]
//   - scan.go: which folders are read, which of two files of the same name wins, and what
//     happens when a folder cannot be read for the moment
//   - verify.go: whether a file may be run: mode, owner, the operator's pin, the lock file
//   - lockfile.go: botyard.lock, the checksums of a folder's plugins
//   - checksum.go: the checksum of a file, computed once for each content
//   - stamp_linux.go, stamp_other.go: whether a file may have changed since it was read
//   - executable.go: how exactly the verified file is run, by descriptor or as a copy
//   - watch.go: when the folders are scanned again: events, polls, debounce
//   - transient.go: which errors are the system's for the moment, and not the file's
package discovery
