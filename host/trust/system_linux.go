package trust

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ownerOf returns the user id of the owner. ok is false if the system does not provide an owner.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// unmapped returns the user id that stands for all owners outside of the process's user namespace,
// such as root of the machine. The id is trusted, because no user inside of the namespace can have
// the id. If the process has no user namespace of its own, unmapped returns -1.
var unmapped = sync.OnceValue(func() int {
	users, err := os.ReadFile("/proc/self/uid_map")
	if f := strings.Fields(string(users)); err != nil || len(f) == 3 && f[2] == "4294967295" {
		return -1
	}
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return -1
	}
	uid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return -1
	}
	return uid
})

// isolated reports whether no other user can write at path although the mode allows everyone to
// write. isolated is true for a read-only mount, and for an emptyDir of a Kubernetes pod, which has
// mode 0777 but is mounted in that pod only.
func isolated(path string) bool {
	const readOnly = 1 // ST_RDONLY of statfs(2)
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) == nil && s.Flags&readOnly != 0 {
		return true
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // a close error does not matter after reading
	return isPodVolume(bufio.NewScanner(f), path)
}

// isPodVolume reports whether an emptyDir is mounted at the path. mounts is the text of
// /proc/self/mountinfo. An emptyDir on disk is recognized by its folder on the node. An emptyDir in
// memory is any tmpfs, if the process runs in a pod.
func isPodVolume(mounts *bufio.Scanner, path string) bool {
	found := false
	for mounts.Scan() {
		// The fields of a line are:
		// ID parent major:minor root mountpoint options [optional]... - type source options
		fields := strings.Fields(mounts.Text())
		if len(fields) < 10 || unescape(fields[4]) != filepath.Clean(path) {
			continue
		}
		kind := ""
		for i, f := range fields[:len(fields)-1] {
			if f == "-" {
				kind = fields[i+1]
			}
		}
		inPod := os.Getenv("KUBERNETES_SERVICE_HOST") != ""
		// If several mounts have the same path, the last mount counts.
		found = strings.Contains(fields[3], "/volumes/kubernetes.io~empty-dir/") || inPod && kind == "tmpfs"
	}
	return found
}

// unescape replaces octal escapes, such as \040 for a space.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
