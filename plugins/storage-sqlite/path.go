package sqlitestore

import (
	"path/filepath"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// suffix keeps configurations from naming what lies beside a database: its write-ahead
// log is a file too, and to open that as a database would destroy both.
const suffix = ".db"

// place is the absolute path of the file that the configuration names. Tenants may
// write configurations, so with a data folder it never leads out of that.
func place(path, dataDir string) (string, error) {
	bad := func(format string, args ...any) (string, error) {
		return "", fault.New(fault.Invalid, format, args...).At("path").By(fault.PartyTenant)
	}
	switch {
	case filepath.Ext(path) != suffix || filepath.Base(path) == suffix:
		return bad("must be the name of a file that ends in %s", suffix)
	case storage.ValidText("path", path) != nil:
		return bad("must be UTF-8 without NUL")
	case dataDir == "" && !filepath.IsAbs(path):
		return bad("must be absolute: the host has no folder for the plugin's files")
	case dataDir == "":
		return filepath.Clean(path), nil
	case !filepath.IsLocal(path):
		return bad("must be a relative path that does not lead out of the plugin's folder")
	}
	return filepath.Abs(filepath.Join(dataDir, path))
}
