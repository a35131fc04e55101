package sqlitestore

import "os"

// openPath is the Linux flag O_PATH, which opens a file neither for reading nor for writing.
// Closing such a handle does not release the locks of other sessions of this process. Closing an
// ordinary handle would release them.
const openPath = 0x200000

// pin returns the identity of the file at the path and an open handle of the file. While the handle
// is open, the operating system does not give the file's inode number to another file, even if the
// file is removed.
//
// Without the handle, a new write-ahead log could get the inode number of a removed log. When
// several hosts use one database, a host could then take the new log of another host for the
// removed log, and delete it.
func pin(path string) (os.FileInfo, *os.File, error) {
	held, err := os.OpenFile(path, openPath, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := held.Stat()
	if err != nil {
		_ = held.Close()
		return nil, nil, err
	}
	return info, held, nil
}
