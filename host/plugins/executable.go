package plugins

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

// executable is a plugin's file that was let in, open. What is executed is this file, and not
// what has its path by then.
type executable struct {
	file *os.File
	bin  *binary
	was  checksum // as it was let in
}

// openAdmitted opens the binary's file if it may be started now, as admit says.
func (m *Manager) openAdmitted(b *binary, pin string) (*executable, error) {
	if err := m.admit(b, pin); err != nil {
		return nil, err
	}
	f, err := os.Open(b.path)
	if err != nil {
		return nil, err
	}
	e := &executable{file: f, bin: b}
	if e.was, err = m.sums.ofFile(b.path, f); err == nil && e.was.sum != b.sum {
		err = e.changed(e.was.sum)
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *executable) close() { _ = e.file.Close() } // it was only read

func (e *executable) changed(sum string) error {
	return fmt.Errorf("%s changed on disk: its SHA-256 was %s and is %s", e.bin.path, e.bin.sum, sum)
}

// command returns what the system is to execute, and with what arguments. A program is
// executed by its descriptor. The interpreter of a script opens a path again, and so gets
// that of a private copy in the folder, whose content is what was let in.
func (e *executable) command(dir string) (path string, args []string, err error) {
	start := make([]byte, 256) // the system reads no more of a script's first line
	n, err := e.file.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	start = start[:n]
	if runtime.GOOS == "linux" && bytes.HasPrefix(start, []byte("\x7fELF")) {
		path := fmt.Sprintf("/proc/self/fd/%d", e.file.Fd())
		if _, err := os.Stat(path); err == nil {
			return path, []string{e.bin.path}, nil
		}
	}
	copied, err := e.copyTo(dir)
	if err != nil {
		return "", nil, err
	}
	by, argument := interpreterOf(start)
	switch {
	case by == "":
		return copied, []string{e.bin.path}, nil
	case argument == "":
		return by, []string{by, copied}, nil
	}
	return by, []string{by, argument, copied}, nil
}

// copyTo makes a copy that only the host's user can run, and checks that it is what was let
// in. Its name is that of the file.
func (e *executable) copyTo(dir string) (path string, err error) {
	path = filepath.Join(dir, filepath.Base(e.bin.path))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), io.NewSectionReader(e.file, 0, math.MaxInt64))
	if err = errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("the copy of %s that is to be run: %w", e.bin.path, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != e.bin.sum {
		return "", e.changed(sum)
	}
	return path, nil
}

// verify fails if the file is not what was let in. The system lets nobody write to a file
// that it executes: what is so after the start was so at the start.
func (e *executable) verify() error {
	info, err := e.file.Stat()
	if err != nil {
		return err
	}
	if stampOf(info) == e.was.stamp {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(e.file, 0, math.MaxInt64)); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != e.bin.sum {
		return e.changed(sum)
	}
	return nil
}

// interpreterOf returns what the first line of a script names, and its one argument, as the
// system reads them; empty for other files.
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
