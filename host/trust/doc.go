// Package trust checks which users may change or read the files that a host executes, believes or
// keeps secret. It checks the owner and the mode of the file, and of all folders and links on the
// path to the file. It ignores the permissions of the file's group, because containers share
// volumes by a group.
//
// Files:
//
//   - owners.go: which users are trusted.
//   - path_check.go: which users may change or replace a file.
//   - secret_check.go: which users may read a secret file.
//   - finding.go: the error, with the shell command that corrects the problem.
//   - system_linux.go: owners in user namespaces; read-only mounts and volumes of pods.
//   - system_other.go: owners on systems other than Linux, without namespaces and mounts.
package trust
