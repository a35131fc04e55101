package sqlitestore

import "os"

// openPath opens a file only for what it is: neither to read nor to write it, and without
// the effect on the locks of other sessions that closing has otherwise. It is O_PATH.
const openPath = 0x200000

// pin tells what file the path names, and holds that: as long as the pin is open the
// system gives the file's number to no other one, removed or not. Several hosts may use one
// database. Without the pin one of them could take a new write-ahead log for the old one
// that had the number before, and remove what another host writes into.
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
