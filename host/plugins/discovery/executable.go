package discovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Executable is the open, verified file of a plugin. It makes sure that the host executes
// this file, even if another file has replaced it at its path. A caller calls OpenVerified,
// then Command, then starts the process, then calls VerifyUnchanged, then Close.
type Executable struct {
	file   *os.File
	binary *Binary
	opened checksum // the checksum when the file was opened
}

// OpenVerified verifies the binary's file and opens it. It returns an error if Verify
// returns one, or if the file changed after Verify read it.
func (s *Scanner) OpenVerified(b *Binary, pin string) (*Executable, error) {
	if err := s.Verify(b, pin); err != nil {
		return nil, err
	}
	f, err := os.Open(b.Path)
	if err != nil {
		return nil, err
	}
	e := &Executable{file: f, binary: b}
	if e.opened, err = s.sums.ofFile(b.Path, f); err == nil && e.opened.sum != b.SHA256 {
		err = changedOnDisk(b, e.opened.sum)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close closes the file.
func (e *Executable) Close() { _ = e.file.Close() } // the file was only read

// Command returns the path that the system must execute, and the arguments. The first
// argument is the name of the program. On Linux, the path of an ELF file is that of its
// descriptor in /proc/self/fd. Command copies any other file, such as a script, into dir
// and checks the copy's checksum, because an interpreter opens its script by path. dir must
// be a folder that only the host's user can write to.
func (e *Executable) Command(dir string) (path string, args []string, err error) {
	start := make([]byte, 256) // the system reads at most 256 bytes of a script's first line
	n, err := e.file.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	start = start[:n]
	if runtime.GOOS == "linux" && bytes.HasPrefix(start, []byte("\x7fELF")) {
		path := fmt.Sprintf("/proc/self/fd/%d", e.file.Fd())
		if _, err := os.Stat(path); err == nil {
			return path, []string{e.binary.Path}, nil
		}
	}
	copied, err := e.copyTo(dir)
	if err != nil {
		return "", nil, err
	}
	interpreter, argument := interpreterOf(start)
	switch {
	case interpreter == "":
		return copied, []string{e.binary.Path}, nil
	case argument == "":
		return interpreter, []string{interpreter, copied}, nil
	}
	return interpreter, []string{interpreter, argument, copied}, nil
}

// copyTo copies the file into dir under the same file name, with a mode by which only the
// host's user can run the copy. It returns an error if the copy's checksum differs from the
// checksum of the verified file.
func (e *Executable) copyTo(dir string) (path string, err error) {
	path = filepath.Join(dir, filepath.Base(e.binary.Path))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), io.NewSectionReader(e.file, 0, math.MaxInt64))
	if err = errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("the copy of %s that is to be run: %w", e.binary.Path, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != e.binary.SHA256 {
		return "", changedOnDisk(e.binary, sum)
	}
	return path, nil
}

// VerifyUnchanged returns an error if the file's content differs from the verified content.
// The caller calls it after the start of the process. The system lets no process write to a
// file that it executes, so a file that is unchanged after the start was unchanged at the
// start too.
func (e *Executable) VerifyUnchanged() error {
	info, err := e.file.Stat()
	if err != nil {
		return err
	}
	if stampOf(info) == e.opened.stamp {
		return nil
	}
	sum, err := sha256Of(e.file)
	if err != nil {
		return err
	}
	if sum != e.binary.SHA256 {
		return changedOnDisk(e.binary, sum)
	}
	return nil
}

// interpreterOf returns the interpreter that the first line of a script names, and the
// single argument of the interpreter, parsed as the system does. Both are empty if the file
// is not a script.
func interpreterOf(start []byte) (path, argument string) {
	line, _, _ := strings.Cut(string(start), "\n")
	rest, isScript := strings.CutPrefix(line, "#!")
	if !isScript {
		return "", ""
	}
	path, argument, _ = strings.Cut(strings.Trim(rest, " \t"), " ")
	if by, more, tab := strings.Cut(path, "\t"); tab {
		path, argument = by, more+" "+argument
	}
	return path, strings.Trim(argument, " \t")
}
