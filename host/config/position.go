package config

import (
	"unicode/utf8"

	"fmt"
)

// Pos is the place where a value is written. Line and Column count from 1. In a source without
// lines (an environment variable, the built-in defaults or a Go map) both are 0, and File is the
// name of the source.
type Pos struct {
	File         string
	Line, Column int
}

// String returns "file:line:column", or the file alone if Line is 0.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
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

// position returns the line and the column of a byte offset. The column counts characters.
func position(name string, src []byte, offset int) Pos {
	p := newPositions(name, src)
	return p.at(offset)
}

// positions converts byte offsets to positions. The offsets must be passed in ascending order, so
// that each byte is read only once.
type positions struct {
	src    []byte
	offset int
	pos    Pos
}

func newPositions(name string, src []byte) positions {
	return positions{src: src, pos: Pos{File: name, Line: 1, Column: 1}}
}

// at returns the position of the offset. The offset must be at or after the offset of the
// previous call.
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
