package trust

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOwners_CheckOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := tree(t, [2]string{"d/", "0755"}, [2]string{"d/f", "0755"}, [2]string{"host", "0640"}, [2]string{"tmp/", "1777"}, [2]string{"tmp/e/", "0755"}, [2]string{"tmp/e/f", "0755"})
	give := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.Lchown(filepath.Join(dir, name), other, other); err != nil {
				t.Fatal(err)
			}
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	give("d/f", "tmp/e")
	wantFinding(t, Owners{}.CheckPath(in("d/f")), in("d/f"), "belongs to user 12345")
	wantFinding(t, Owners{}.CheckPath(in("tmp/e/f")), in("tmp/e"), "belongs to user 12345")
	give("d", "host")
	wantFinding(t, Owners{}.CheckParents(in("d/f")), in("d"), "belongs to user 12345")
	// The owner of the host file is trusted, because that user may do everything that the host
	// does.
	wantFinding(t, Owners{}.WithOwnerOf(in("host")).CheckPath(in("d/f")), "", "")
	wantFinding(t, Owners{}.WithOwnerOf(in("none")).WithOwnerOf("").CheckParents(in("d/f")), in("d"), "belongs to user 12345")
}
