package trust

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOwners_CheckSecret(t *testing.T) {
	dir := tree(t, [2]string{"f", "0640"})
	path := filepath.Join(dir, "f")
	for mode, want := range map[fs.FileMode]string{0o600: "", 0o400: "", 0o440: "", 0o640: "", 0o660: "", 0o644: "has mode 0644", 0o602: "has mode 0602", 0o601: "has mode 0601"} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			at := ""
			if want != "" {
				at = path
			}
			wantFinding(t, Owners{}.CheckSecret(path, info), at, want)
		})
	}
}
