package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"unicode/utf8"

	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/sdk"
	"github.com/knadh/koanf/v2"
)

// ParseHCL parses HCL 2 without a schema. A block is a map, each label of a block is one more
// nested map, and a list is written [...]. A repeated key is a problem, and so is a text that is
// not in Unicode's normal form C. The only accepted expressions are env("NAME") and file("PATH"),
// which become the reference texts "${env:NAME}" and "${file:PATH}". Positions contain name.
// Errors are [Problems].
func ParseHCL(name string, src []byte) (*Document, error) { return parse(name, src, parseHCL) }

// ParseYAML parses one YAML document. Its keys must be texts, each used once. Anchors, aliases,
// merge keys, tags and keys without a value are problems. Positions contain name. Errors are
// [Problems].
func ParseYAML(name string, src []byte) (*Document, error) { return parse(name, src, parseYAML) }

// ParseJSON parses one JSON object. A repeated key is a problem. Positions contain name. Errors
// are [Problems].
func ParseJSON(name string, src []byte) (*Document, error) { return parse(name, src, parseJSON) }

// maxStored is the maximum size, in bytes, of a text for [ParseStored]. A storage accepts at most
// this size for a tenant.
const maxStored = sdk.MaxDocumentBytes

// ParseStored parses a JSON document that a host wrote itself. It works like [ParseJSON] with a
// higher size limit, because the JSON form can be longer than the source.
func ParseStored(name string, src []byte) (*Document, error) {
	return parseWithin(maxStored, name, src, parseJSON)
}

// ReadFile reads and parses a .hcl, .yaml, .yml or .json file. Errors are [Problems]. If the file
// cannot be read, the error wraps the reason, such as fs.ErrNotExist.
func ReadFile(path string) (*Document, error) {
	if _, ok := parserFor(path); !ok {
		return nil, extensionProblem(path)
	}
	src, err := ReadSource(context.Background(), path)
	if err != nil {
		return nil, err
	}
	return Parse(path, src)
}

// ReadSource reads the text of a file for [Parse]. It refuses files that can block a reader, such
// as a pipe. Errors are [Problems], as from [ReadFile], or the error of ctx.
func ReadSource(ctx context.Context, path string) ([]byte, error) {
	src, err := readfile.Read(ctx, path, int64(maxSize))
	var large *readfile.SizeError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &large):
		return nil, tooLarge(path, large.Size, maxSize)
	case err != nil:
		return nil, Problems{{Pos: Pos{File: path}, Message: "cannot be read: " + reason(err), cause: err}}
	}
	return src, nil
}

// Parse parses the text of a .hcl, .yaml, .yml or .json file. Positions contain path. Errors are
// [Problems].
func Parse(path string, src []byte) (*Document, error) {
	p, ok := parserFor(path)
	if !ok {
		return nil, extensionProblem(path)
	}
	if _, err := p.Unmarshal(src); err != nil {
		return nil, err
	}
	return p.doc, nil
}

// ParseKept parses a text that an earlier version of the host may have accepted and stored. It
// works like [Parse], but accepts two things that Parse refuses. In YAML a key without a value is
// null. In HCL a text that is not in Unicode's normal form C is converted to that form.
func ParseKept(path string, src []byte) (*Document, error) {
	switch filepath.Ext(path) {
	case ".yaml", ".yml":
		return parse(path, src, parseKeptYAML)
	case ".hcl":
		return parse(path, src, parseKeptHCL)
	}
	return Parse(path, src)
}

func extensionProblem(path string) Problems {
	return Problems{{
		Pos:      Pos{File: path},
		Message:  fmt.Sprintf("has the extension %q", filepath.Ext(path)),
		Expected: ".hcl, .yaml, .yml or .json",
	}}
}

func tooLarge(name string, size int64, most int) Problems {
	return Problems{{Pos: Pos{File: name}, Message: fmt.Sprintf("has %d bytes", size), Expected: fmt.Sprintf("at most %d", most)}}
}

// reason returns the text of an error without the path and without the name of the system call.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// tolerance says whether a reader accepts texts that only earlier versions of the host accepted.
type tolerance uint8

const (
	strict tolerance = iota
	tolerant
)

type parseFunc func(name string, src []byte) (node, Problems)

func parse(name string, src []byte, parse parseFunc) (*Document, error) {
	return parseWithin(maxSize, name, src, parse)
}

func parseWithin(most int, name string, src []byte, parse parseFunc) (*Document, error) {
	if len(src) > most {
		return nil, tooLarge(name, int64(len(src)), most)
	}
	if !utf8.Valid(src) {
		return nil, Problems{{Pos: invalidUTF8(name, src), Message: "is not UTF-8 text"}}
	}
	root, problems := parse(name, src)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return newDocument(name, root), nil
}

// parser is a koanf.Parser that also stores the parsed document with its positions.
type parser struct {
	name  string
	parse parseFunc
	doc   *Document
}

// parserFor returns the parser for the extension of path. It returns false if the extension is
// unknown.
func parserFor(path string) (*parser, bool) {
	switch filepath.Ext(path) {
	case ".hcl":
		return &parser{name: path, parse: parseHCL}, true
	case ".yaml", ".yml":
		return &parser{name: path, parse: parseYAML}, true
	case ".json":
		return &parser{name: path, parse: parseJSON}, true
	}
	return nil, false
}

// Unmarshal implements koanf.Parser.
func (p *parser) Unmarshal(src []byte) (map[string]any, error) {
	doc, err := parse(p.name, src, p.parse)
	if err != nil {
		return nil, err
	}
	p.doc = doc
	return doc.Values(), nil
}

// Marshal implements koanf.Parser.
func (p *parser) Marshal(map[string]any) ([]byte, error) { return nil, errors.ErrUnsupported }

var _ koanf.Parser = (*parser)(nil)
