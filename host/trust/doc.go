// Package trust checks who may change or read the files that a host runs, believes or keeps
// secret. It looks at owners and modes: of the file, and of all folders and links on the way
// to it. What a file's group may do is not checked, since volumes of containers are shared
// by a group.
//
// Files:
//
//   - owners.go: which users are trusted.
//   - path_check.go: who may change a file or replace it.
//   - secret_check.go: who may read a secret file.
//   - finding.go: the error, with the shell command that corrects it.
//   - system_linux.go: owners in user namespaces; read-only mounts and volumes of pods.
//   - system_other.go: the same where there is no /proc.
package trust
