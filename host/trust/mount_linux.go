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

// ownerOf is the user whose file it is.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// unmapped is the user whom files seem to belong to whose owner is nobody in the user
// namespace of the process, the machine's root first of all: nobody in here can be that
// user. It is -1 outside of such a namespace.
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

// othersKeptOut reports whether what everybody may write to, by its mode, is out of their
// reach: it is on a file system that is mounted to be read alone, or it is a volume of a
// pod, which Kubernetes makes with mode 0777 and gives to that pod only.
func othersKeptOut(path string) bool {
	const readOnly = 1 // ST_RDONLY
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) == nil && s.Flags&readOnly != 0 {
		return true
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	return isPodVolume(bufio.NewScanner(f), path)
}

// isPodVolume reports whether the mounts have an emptyDir at the path. It is known by the
// folder of the node that it is, or as a file system in memory where the variables of a
// pod are there.
func isPodVolume(mounts *bufio.Scanner, path string) bool {
	found := false
	for mounts.Scan() {
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
		// The last mount at a path counts.
		found = strings.Contains(fields[3], "/volumes/kubernetes.io~empty-dir/") || inPod && kind == "tmpfs"
	}
	return found
}

// unescape reads the form \040 of a blank.
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
