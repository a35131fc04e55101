package config

import (
	"unicode/utf8"

	"fmt"
)

// Pos says where something is written. Line and Column count from 1. Where there are no lines (an
// environment variable, the built-in defaults, a map of a program) both are 0, and File names the
// source.
type Pos struct {
	File         string
	Line, Column int
}

// String returns "file:line:column", or the file alone where no line is known.
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

// position returns the line and the column, in characters, of an offset.
func position(name string, src []byte, offset int) Pos {
	p := newPositions(name, src)
	return p.at(offset)
}

// positions finds the positions of offsets that only grow. It looks at each byte once.
type positions struct {
	src    []byte
	offset int
	pos    Pos
}

func newPositions(name string, src []byte) positions {
	return positions{src: src, pos: Pos{File: name, Line: 1, Column: 1}}
}

// at returns the position of the offset, which is not before that of the last call.
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
