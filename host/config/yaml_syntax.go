package config

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlLine matches the text of an error of yaml.v3 and extracts the line, because the error type
// has no field for it.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// wordedSyntax describes a syntax error in words for the people who write configuration files.
type wordedSyntax struct{ message, expected string }

const inQuotes = `in quotes what begins with a sign such as { [ * & ! % @ or has ": " in it`

// syntaxWords maps the most common error texts of yaml.v3 to better descriptions. All other
// errors keep the text of yaml.v3.
var syntaxWords = map[string]wordedSyntax{
	"mapping values are not allowed in this context": {`has a ": " where no key can be`, "keys of one block below each other, and " + inQuotes},
	notInBlock:                                              {"has something that does not belong to the block around it", "keys of one block below each other, and " + inQuotes},
	"did not find expected '-' indicator":                   {"has something that does not belong to the list around it", `elements of one list below each other, each with "- "`},
	"found character that cannot start any token":           {"has a text that begins with a sign which no text may begin with", "it in quotes"},
	"did not find expected alphabetic or numeric character": {"has a text that begins with * or &, which mean something in YAML", "it in quotes"},
	"could not find expected ':'":                           {"has a line that is no key", "key: value; lines of a text after | indented more than its key"},
	"found unexpected end of stream":                        {"has a text in quotes that is not closed", "the same quote at its end"},
	"found unknown escape character":                        {"has a backslash in double quotes that means nothing", `\\ for a backslash, or the text in single quotes`},
	"did not find expected ',' or '}'":                      {"has a { that is not closed", "a } at the end of the map, or " + inQuotes},
	"did not find expected ',' or ']'":                      {"has a [ that is not closed", "a ] at the end of the list, or " + inQuotes},
}

// notInBlock is an error text of yaml.v3. Its line is the beginning of the block that contains
// the mistake.
const notInBlock = "did not find expected key"

// syntax adds a problem for a syntax error of yaml.v3.
func (r *yamlReader) syntax(err error) {
	pos, message := Pos{File: r.name, Line: 1, Column: 1}, err.Error()
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			// For some errors at the end of the text, the parser's line is one too high.
			pos.Line = min(line, len(r.lines))
		}
	}
	if message == notInBlock {
		pos.Line = r.firstBad(pos.Line, message)
	}
	// A tab in the indentation is the most common cause, and yaml.v3 does not mention it. The tab
	// is in the reported line or in a neighboring line.
	for line := max(pos.Line-1, 1); line <= min(pos.Line+1, len(r.lines)); line++ {
		text := r.lines[line-1]
		if indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; strings.Contains(indent, "\t") {
			pos.Line, pos.Column = line, strings.Index(indent, "\t")+1
			r.addProblem(pos, nil, "is not YAML: the line is indented with a tab", "blanks")
			return
		}
	}
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok { // the text after * is left out of the message, because it may be a secret
		name, _, _ = strings.Cut(name, "'")
		for i, line := range r.lines {
			if column := strings.Index(line, "*"+name); column >= 0 {
				pos.Line, pos.Column = i+1, column+1
				break
			}
		}
		message = "did not find expected alphabetic or numeric character"
	}
	if worded, ok := syntaxWords[message]; ok {
		r.addProblem(pos, nil, "is not YAML: "+worded.message, worded.expected)
		return
	}
	r.addProblem(pos, nil, "is not YAML: "+message, "")
}

// maxSearched is the maximum size of a document, in bytes, in which firstBad searches, because
// firstBad parses the document several times.
const maxSearched = 64 << 10

// firstBad returns the number of the line at which the parser first reports the message,
// searching from line from on. For a document above maxSearched it returns from.
func (r *yamlReader) firstBad(from int, message string) int {
	size := 0
	for _, line := range r.lines {
		size += len(line) + 1
	}
	if size > maxSearched {
		return from
	}
	n := sort.Search(len(r.lines)-from, func(n int) bool {
		var doc yaml.Node
		err := yaml.NewDecoder(bytes.NewReader([]byte(strings.Join(r.lines[:from+n], "\n") + "\n"))).Decode(&doc)
		if err == nil {
			return false
		}
		m := yamlLine.FindStringSubmatch(err.Error())
		return m != nil && m[2] == message
	})
	return from + n
}
