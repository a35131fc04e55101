package schema

import "regexp"

// quotedName matches a name in single quotes. It does not match an apostrophe within or after a
// word.
var quotedName = regexp.MustCompile(`(^|[\s(])'([^\s']+)'`)

// description returns the description of a tag with `name` instead of 'name', because a tag cannot
// contain a backquote.
func description(tag string) string { return quotedName.ReplaceAllString(tag, "$1`$2`") }
