package pgstore

import "regexp"

var made = regexp.MustCompile(`create (table|function) @schema@\.(\w+)`)

// objects are the names of the tables and functions that the layouts make. Whatever
// else is in the schema belongs to other programs.
func objects(steps []layout) (tables, functions []string) {
	tables = []string{layoutTable}
	for _, step := range steps {
		for _, match := range made.FindAllStringSubmatch(step.up, -1) {
			if match[1] == "table" {
				tables = append(tables, match[2])
			} else {
				functions = append(functions, match[2])
			}
		}
	}
	return tables, functions
}
