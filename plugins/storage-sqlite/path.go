package sqlitestore

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

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
	case !filepath.IsLocal(path) || slices.Contains(strings.Split(filepath.ToSlash(path), "/"), ".."):
		return bad("must be a relative path with no part .., below the plugin's folder")
	}
	return filepath.Abs(filepath.Join(dataDir, path))
}

// describePath adds to the configuration's schema what place refuses as far as a pattern
// can say it, so that it is refused by who opens nothing. What place takes the schema
// takes. A path that leads out of the folder is refused by both: ".." is not allowed in it at
// all, for whether one leads out is more than a pattern can say.
func describePath(source sdk.RawSchema, dataDir string) sdk.RawSchema {
	const name = `^$|[^/]\.db$`
	where, words := `^(?:$|/)`, "an absolute path: the host has no folder for the plugin's files"
	if dataDir != "" {
		const segment = `\.|[^./][^/]*|\.[^./][^/]*|\.\.[^/]+`
		where = `^(?:$|(?:` + segment + `)(?:/(?:|` + segment + `))*$)`
		words = `a relative path with no part .., below the plugin's folder`
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
