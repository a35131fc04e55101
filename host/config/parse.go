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

// ParseHCL reads HCL 2 without a schema. A block is a map, each label is one level more, and
// lists are only [...]. A key that is given twice is a problem, and so is a text that is not in
// Unicode's normal form C. Nothing is evaluated except env("NAME") and file("PATH"); they give
// the references that YAML writes as texts. The name stands in positions. Errors are [Problems].
func ParseHCL(name string, src []byte) (*Document, error) { return parse(name, src, parseHCL) }

// ParseYAML reads one YAML document with text keys, each once. Anchors, aliases, merge keys, tags
// and keys without a value are problems. The name stands in positions. Errors are [Problems].
func ParseYAML(name string, src []byte) (*Document, error) { return parse(name, src, parseYAML) }

// ParseJSON reads one JSON object. A key that is given twice is a problem. The name stands in
// positions. Errors are [Problems].
func ParseJSON(name string, src []byte) (*Document, error) { return parse(name, src, parseJSON) }

// maxStored bounds what [ParseStored] reads, in bytes. It is the most that a storage keeps of a
// tenant.
const maxStored = sdk.MaxDocumentBytes

// ParseStored is [ParseJSON] for a document that a host wrote itself. Such a document may be
// longer than the one that it was made of.
func ParseStored(name string, src []byte) (*Document, error) {
	return parseWithin(maxStored, name, src, parseJSON)
}

// ReadFile reads a .hcl, .yaml, .yml or .json file. Errors are [Problems]. Where the file cannot
// be read they wrap the reason, such as fs.ErrNotExist.
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

// ReadSource reads the text that [Parse] takes. It does not wait for a file that gives no data,
// such as a pipe. Errors are those of [ReadFile], or the context's.
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

// Parse parses the text of a .hcl, .yaml, .yml or .json file. The path stands in positions.
// Errors are [Problems].
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

// ParseKept is [Parse] for a text that an earlier build may have read and kept, and that is no
// longer taken from whoever writes one now. In YAML a key without a value is a null. In HCL a
// text that is not in Unicode's normal form C is taken in that form.
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

// reason returns the text of an error without the path and the system call.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

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

// parser is a koanf parser that keeps the document with its positions.
type parser struct {
	name  string
	parse parseFunc
	doc   *Document
}

// parserFor returns the parser of a file by its extension.
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
