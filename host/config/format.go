package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/knadh/koanf/v2"
)

// ParseHCL reads HCL 2 without a schema: a block is a map, each label is one
// level more, a key given twice is a problem, lists are only [...]. Nothing is
// evaluated but env("NAME") and file("PATH"), which give the references that YAML
// writes as texts. The name stands in positions. Errors are [Problems].
func ParseHCL(name string, src []byte) (*Document, error) { return parse(name, src, parseHCL) }

// ParseYAML reads one YAML document with text keys, each once; anchors, aliases,
// merge keys and tags are problems. The name stands in positions. Errors are
// [Problems].
func ParseYAML(name string, src []byte) (*Document, error) { return parse(name, src, parseYAML) }

// ParseJSON reads one JSON object; a key given twice is a problem. The name
// stands in positions. Errors are [Problems].
func ParseJSON(name string, src []byte) (*Document, error) { return parse(name, src, parseJSON) }

// ReadFile reads a .hcl, .yaml, .yml or .json file. Errors are [Problems]; where
// the file cannot be read they wrap the reason, fs.ErrNotExist for example.
func ReadFile(path string) (*Document, error) {
	p, ok := parserFor(path)
	if !ok {
		return nil, Problems{{
			Pos:      Pos{File: path},
			Message:  fmt.Sprintf("has the extension %q", filepath.Ext(path)),
			Expected: ".hcl, .yaml, .yml or .json",
		}}
	}
	src, err := file(path).ReadBytes()
	if err != nil {
		return nil, Problems{{Pos: Pos{File: path}, Message: "cannot be read: " + reason(err), cause: err}}
	}
	if _, err := p.Unmarshal(src); err != nil {
		return nil, err
	}
	return p.doc, nil
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
	at := Pos{File: name}
	if len(src) > maxSize {
		return nil, Problems{{Pos: at, Message: fmt.Sprintf("has %d bytes", len(src)), Expected: fmt.Sprintf("at most %d", maxSize)}}
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

func invalidUTF8(name string, src []byte) Pos {
	offset := 0
	for offset < len(src) {
		r, size := utf8.DecodeRune(src[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return position(name, src, offset)
}

// position counts lines and, in the line, characters.
func position(name string, src []byte, offset int) Pos {
	p := newPositions(name, src)
	return p.at(offset)
}

// positions gives the positions of offsets that only grow, each byte looked at once.
type positions struct {
	src    []byte
	offset int
	pos    Pos
}

func newPositions(name string, src []byte) positions {
	return positions{src: src, pos: Pos{File: name, Line: 1, Column: 1}}
}

// at gives the position of the offset, which is not before that of the last call.
func (p *positions) at(offset int) Pos {
	for ; p.offset < min(offset, len(p.src)); p.offset++ {
		switch c := p.src[p.offset]; {
		case c == '\n':
			p.pos.Line++
			p.pos.Column = 1
		case utf8.RuneStart(c):
			p.pos.Column++
		}
	}
	return p.pos
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

// file is a koanf provider that reads no more than a document may have.
type file string

// ReadBytes implements koanf.Provider.
func (f file) ReadBytes() ([]byte, error) {
	// Asked before opening: opening a named pipe would wait for a writer.
	if info, err := os.Stat(string(f)); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	r, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, int64(maxSize)+1))
}

// Read implements koanf.Provider.
func (f file) Read() (map[string]any, error) { return nil, errors.ErrUnsupported }

// content is a koanf provider that gives what was parsed before.
type content struct{ doc *Document }

// ReadBytes implements koanf.Provider.
func (c content) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Read implements koanf.Provider.
func (c content) Read() (map[string]any, error) { return c.doc.Values(), nil }

var (
	_ koanf.Parser   = (*parser)(nil)
	_ koanf.Provider = file("")
	_ koanf.Provider = content{}
)
