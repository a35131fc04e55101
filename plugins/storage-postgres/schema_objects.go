package pgstore

import "regexp"

// schemaVersionTable has one row: the schema version of the database, and that of the oldest
// plugin that may use it. appRole may only read it.
const schemaVersionTable = "layout"

var createStatement = regexp.MustCompile(`create (table|function) @schema@\.(\w+)`)

// schemaObjects returns the names of the tables and functions that the migrations make.
// Whatever else is in the schema belongs to other programs.
func schemaObjects(migrations []migration) (tables, functions []string) {
	tables = []string{schemaVersionTable}
	for _, m := range migrations {
		for _, match := range createStatement.FindAllStringSubmatch(m.expand, -1) {
			if match[1] == "table" {
				tables = append(tables, match[2])
			} else {
				functions = append(functions, match[2])
			}
		}
	}
	return tables, functions
}
