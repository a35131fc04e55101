package pgstore

import "regexp"

// schemaVersionTable is the name of a table with one row. The row has the schema version of the
// database and the schema version of the oldest plugin that may use the database. appRole may only
// read the table.
const schemaVersionTable = "layout"

var createStatement = regexp.MustCompile(`create (table|function) @schema@\.(\w+)`)

// schemaObjects returns the names of the tables and functions that the migrations create. All other
// objects in the schema belong to other programs.
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
