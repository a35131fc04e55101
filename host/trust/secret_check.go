package trust

import (
	"fmt"
	"io/fs"
)

// CheckSecret returns a [Finding] for the path if the owner in info is not trusted, or if users
// other than the owner and the group may read or change the file.
func (o Owners) CheckSecret(path string, info fs.FileInfo) error {
	if err := o.CheckOwner(path, info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return Finding{Path: path, Problem: fmt.Sprintf("has mode %04o: others than its owner and group may access it", mode), Mend: "chmod o= " + Quote(path)}
	}
	return nil
}
