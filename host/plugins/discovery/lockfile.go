package discovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/readfile"
)

// LockFileName is the name of the lock file, which pins the checksums of all plugins in its
// folder. The lock file has the format of sha256sum. In a folder with a lock file, the host
// refuses a plugin that the lock file does not list.
const LockFileName = "botyard.lock"

var lockLine = regexp.MustCompile(`^([0-9a-fA-F]{64}) [ *](.+)$`)

// lockFile maps file names to checksums. A nil lockFile means that the folder has no lock
// file.
type lockFile map[string]string

// readLockFile reads the lock file of the folder. It returns an error if the file is larger
// than bounds.LockFileBytes.
func readLockFile(dir string) (lockFile, error) {
	path := filepath.Join(dir, LockFileName)
	text, err := readfile.Read(context.Background(), path, bounds.LockFileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sums := lockFile{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := lockLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s:%d: is not a line of sha256sum: expected 64 hexadecimal digits, two spaces and a file name", path, n)
		}
		sums[strings.TrimPrefix(m[2], "./")] = strings.ToLower(m[1])
	}
	return sums, nil
}

// check returns an error if the lock file does not list name with the checksum sum. A nil
// lockFile accepts every file. dir is used only in the error message.
func (l lockFile) check(dir, name, sum string) error {
	if l == nil {
		return nil
	}
	path := filepath.Join(dir, LockFileName)
	switch listed, ok := l[name]; {
	case !ok:
		return fmt.Errorf("is not listed in %s", path)
	case listed != sum:
		return fmt.Errorf("its SHA-256 is %s, and %s says %s", sum, path, listed)
	}
	return nil
}
