package sqlitestore

import "os"

// openPath is O_PATH: the file is opened neither for reading nor for writing. Closing it does
// not drop the locks of other sessions, as it would otherwise.
const openPath = 0x200000

// pin returns which file the path names, and an open handle. While the handle is open, the
// system gives the file's inode number to no other file, even if the file is removed. Several
// hosts may use one database. Without the pin, one of them could take a new write-ahead log for
// the old one that had the same number, and remove the log that another host writes.
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
