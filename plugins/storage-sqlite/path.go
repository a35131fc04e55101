package sqlitestore

import (
	"encoding/json"
	"path/filepath"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
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

// describePath adds to the configuration's schema what place refuses as far as a pattern
// can say it, so that it is refused by who opens nothing. What place takes the schema
// takes. Of a path that leads out of the folder it knows the plain case, "../".
func describePath(source sdk.RawSchema, dataDir string) sdk.RawSchema {
	const name = `^$|[^/]\.db$`
	where, words := `^(?:$|/)`, "an absolute path: the host has no folder for the plugin's files"
	if dataDir != "" {
		where, words = `^(?:$|[^./]|\.[^.]|\.\.[^/])`, "a relative path that does not lead out of the plugin's folder"
	}
	var s map[string]any
	if err := json.Unmarshal(source, &s); err != nil {
		panic(err) // unreachable: made from a struct, as every test sees
	}
	path := s["properties"].(map[string]any)["path"].(map[string]any)
	path["allOf"] = []any{
		map[string]any{"pattern": name, schema.ExpectedKeyword: "the name of a file that ends in " + suffix},
		map[string]any{"pattern": where, schema.ExpectedKeyword: words},
	}
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // unreachable: it was JSON
	}
	return out
}
