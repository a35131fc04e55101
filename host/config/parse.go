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

// ParseHCL reads HCL 2 without a schema: a block is a map, each label is one
// level more, a key given twice is a problem, lists are only [...]. Nothing is
// evaluated but env("NAME") and file("PATH"), which give the references that YAML
// writes as texts. The name stands in positions. Errors are [Problems].
func ParseHCL(name string, src []byte) (*Document, error) { return parse(name, src, parseHCL) }

// ParseYAML reads one YAML document with text keys, each once; anchors, aliases,
// merge keys, tags and keys without a value are problems. The name stands in positions. Errors are
// [Problems].
func ParseYAML(name string, src []byte) (*Document, error) { return parse(name, src, parseYAML) }

// ParseJSON reads one JSON object; a key given twice is a problem. The name
// stands in positions. Errors are [Problems].
func ParseJSON(name string, src []byte) (*Document, error) { return parse(name, src, parseJSON) }

// maxStored bounds what [ParseStored] reads, in bytes: all that a storage keeps of a
// tenant, and so whatever was ever stored.
const maxStored = sdk.MaxDocumentBytes

// ParseStored is ParseJSON for a document that a host itself wrote, and that is longer than
// what it was made of.
func ParseStored(name string, src []byte) (*Document, error) {
	return parseWithin(maxStored, name, src, parseJSON)
}

// ReadFile reads a .hcl, .yaml, .yml or .json file. Errors are [Problems]; where
// the file cannot be read they wrap the reason, fs.ErrNotExist for example.
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

// ReadSource reads what [Parse] takes, without waiting for a file that does not answer.
// Errors are as those of [ReadFile], or the context's.
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

// Parse parses the text of a .hcl, .yaml, .yml or .json file, whose path stands in
// positions. Errors are [Problems].
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

// reason is err without the path and the system call, which the position has.
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

// parser is a koanf parser that keeps the positions too.
type parser struct {
	name  string
	parse parseFunc
	doc   *Document
}

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
