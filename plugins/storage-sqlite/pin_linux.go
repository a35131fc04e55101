package sqlitestore

import "os"

// openPath is O_PATH: the file is opened neither for reading nor for writing. Closing it does
// not drop the locks of other sessions, as it would otherwise.
const openPath = 0x200000

// pin returns which file the path names, and an open handle. While the handle is open, the
// system does not give the file's inode number to another file, even if the file is removed.
// Several hosts may use one database. When a new write-ahead log gets the inode number of the old
// one, a host without the pin could take it for the old one, and remove the log that another host
// writes.
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
