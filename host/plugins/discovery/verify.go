package discovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// folder holds the facts that apply to all files of a plugin folder.
type folder struct {
	lock lockFile
	err  error // why no file of the folder may be run; nil if files may be run
}

// inspectFolder reads the folder's lock file and checks which users can change the folder.
func (s *Scanner) inspectFolder(dir string) folder {
	lock, err := readLockFile(dir)
	return folder{lock, errors.Join(s.Owners.CheckPath(dir), err)}
}

// Verify returns an error if the file must not be started now. It repeats the checks of the
// scan, because the file or the operator's settings may have changed since the scan. pin is
// the checksum that the operator has configured; an empty pin allows any checksum.
func (s *Scanner) Verify(b *Binary, pin string) error {
	sum, err := s.inspect(b, s.inspectFolder(filepath.Dir(b.Path)), pin)
	if err != nil {
		return err
	}
	if sum != b.SHA256 {
		return changedOnDisk(b, sum)
	}
	return nil
}

func changedOnDisk(b *Binary, sum string) error {
	return fmt.Errorf("%s changed on disk: its SHA-256 was %s and is %s", b.Path, b.SHA256, sum)
}

// inspect returns the checksum of b's file, and an error if the file must not be run.
func (s *Scanner) inspect(b *Binary, f folder, pin string) (sum string, err error) {
	if err = f.err; err == nil {
		sum, err = s.inspectFile(b.Path, f.lock, pin)
	}
	if err != nil {
		return sum, fmt.Errorf("plugin %s is refused: %w", b.Path, err)
	}
	return sum, nil
}

// inspectFile checks the file's mode, which users can change the file, the operator's pin
// and the folder's lock file. It returns the checksum of the file too.
func (s *Scanner) inspectFile(path string, lock lockFile, pin string) (sum string, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a regular file")
	case info.Mode().Perm()&0o111 == 0:
		return "", errors.New("it is not executable (chmod +x)")
	}
	// A user who can change the file can run code with the rights of the host.
	if err := s.Owners.CheckPath(path); err != nil {
		return "", err
	}
	c, err := s.sums.ofPath(path)
	if err != nil {
		return "", err
	}
	if want := strings.ToLower(pin); want != "" && want != c.sum {
		return c.sum, fmt.Errorf("its SHA-256 is %s, and the host's configuration says %s", c.sum, want)
	}
	return c.sum, lock.check(filepath.Dir(path), filepath.Base(path), c.sum)
}
