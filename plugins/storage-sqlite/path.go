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

// suffix is the required suffix of a path. It ensures that a configuration cannot name the
// write-ahead log of a database. Opening that log as a database would destroy the log and its
// database.
const suffix = ".db"

// Validate implements sdk.Validator.
func (c *Config) Validate(env sdk.Env) error {
	_, err := resolvePath(c.Path, env.DataDir)
	return err
}

// resolvePath returns the absolute path of the file that a configuration names. If dataDir is not
// empty, the path must be inside dataDir, because tenants may write configurations.
func resolvePath(path, dataDir string) (string, error) {
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

// describePath adds patterns for the path to the schema of the configuration, so that the schema
// refuses a bad path before any file is opened. The schema accepts every path that resolvePath
// accepts. Both refuse every path with a part "..", because a pattern cannot decide whether such a
// path leaves the folder.
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
		panic(err) // cannot happen, because sdk generates the schema from a struct
	}
	path := s["properties"].(map[string]any)["path"].(map[string]any)
	path["allOf"] = []any{
		map[string]any{"pattern": name, schema.ExpectedKeyword: "the name of a file that ends in " + suffix},
		map[string]any{"pattern": where, schema.ExpectedKeyword: words},
	}
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // cannot happen, because s was decoded from JSON
	}
	return out
}
