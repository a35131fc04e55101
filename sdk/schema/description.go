package schema

import "regexp"

// quotedName is a name in single quotes. An apostrophe within or after a word is none.
var quotedName = regexp.MustCompile(`(^|[\s(])'([^\s']+)'`)

// description returns the text of a tag as readers get it: with `name` for 'name', since a
// tag cannot contain a backquote.
func description(tag string) string { return quotedName.ReplaceAllString(tag, "$1`$2`") }
