package ollama

import (
	"bytes"
	"context"
	"io"
	"math"
	"time"

	"github.com/botyard/botyard/sdk"
)

// jsonLines reads a stream of JSON objects and returns each object on a line of its own, as api.Client
// expects. Servers and proxies also send blank lines, several objects on a line, objects over several
// lines, and byte order marks. jsonLines returns a line that is not a JSON object unchanged, so that an
// error can show it.
//
// jsonLines looks at each byte once and returns each byte as soon as it has read it. Its memory is bounded
// by the size of one read.
type jsonLines struct {
	io.ReadCloser
	ctx     context.Context
	raw     []byte // bytes that were read but not converted yet
	buf     []byte // buffer of raw
	ready   []byte // converted bytes that Read has not returned yet
	err     error  // error of the stream, which follows raw
	depth   int    // nesting depth of braces and brackets
	text    bool   // inside a JSON string
	escaped bool   // after a backslash in the string
	foreign bool   // in a line that is not a JSON object

	bounds bounds
	total  int64 // bytes read so far
	line   int64 // bytes returned of the current line
	idle   int64 // bytes of blanks since the last other byte
}

// newJSONLines returns a reader of the body. The reads end when ctx does.
func newJSONLines(ctx context.Context, body io.ReadCloser) *jsonLines {
	return &jsonLines{ReadCloser: body, ctx: ctx, buf: make([]byte, 16<<10), bounds: bounds{total: math.MaxInt64, line: math.MaxInt64}}
}

// Read implements io.Reader.
func (j *jsonLines) Read(p []byte) (int, error) {
	for len(j.ready) == 0 {
		if j.err != nil {
			return 0, j.err
		}
		n, err := j.ReadCloser.Read(j.buf)
		j.raw, j.err = j.buf[:n], err
		j.ready = j.take(j.ready[:0])
		if wrong := j.count(int64(n)); wrong != nil {
			j.ready, j.err = nil, wrong
		}
		if err := j.bounds.pace.Wait(j.ctx, time.Duration(n)*byteTime); err != nil {
			j.ready, j.err = nil, err
		}
	}
	n := copy(p, j.ready)
	j.ready = j.ready[n:]
	return n, nil
}

// count adds the n bytes of the last read to the counters. It returns an error if the stream exceeds a
// bound.
func (j *jsonLines) count(n int64) error {
	j.total += n
	if j.idle += n; len(j.ready) > 0 {
		j.idle = 0
	}
	j.line += int64(len(j.ready))
	room := j.bounds.hold(int64(len(j.ready)))
	if end := bytes.LastIndexByte(j.ready, '\n'); end >= 0 {
		j.line = int64(len(j.ready) - end - 1)
		j.bounds.lineEnds()
	}
	switch b := j.bounds; {
	case !room:
		return b.tooMuch("sends more than there is room for, beside what other servers send at this moment")
	case j.total > b.total:
		return b.tooMuch("sends more than %d MiB", b.total>>20)
	case j.line > b.line:
		return b.tooMuch("sends a line of more than %d MiB", b.line>>20)
	case j.idle > sdk.MaxUpstreamIdleBytes:
		return b.tooMuch("sends blanks and nothing else")
	}
	return nil
}

// Close implements io.Closer.
func (j *jsonLines) Close() error {
	j.bounds.lineEnds()
	return j.ReadCloser.Close()
}

// take converts raw and appends the result to out.
func (j *jsonLines) take(out []byte) []byte {
	for _, c := range j.raw {
		switch {
		case j.text:
			out = append(out, c)
			switch {
			case j.escaped:
				j.escaped = false
			case c == '\\':
				j.escaped = true
			case c == '"':
				j.text = false
			}
		case j.foreign:
			out = append(out, c)
			j.foreign = c != '\n'
		case j.depth == 0:
			switch c {
			case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF: // skips blanks and byte order marks
			case '{', '[':
				j.depth = 1
				out = append(out, c)
			default:
				j.foreign = true
				out = append(out, c)
			}
		default:
			out = j.inside(out, c)
		}
	}
	j.raw = nil
	return out
}

// inside converts a byte that is in an object but not in a JSON string.
func (j *jsonLines) inside(out []byte, c byte) []byte {
	switch c {
	case '\r', '\n':
		return append(out, ' ')
	case '"':
		j.text = true
	case '{', '[':
		j.depth++
	case '}', ']':
		if j.depth--; j.depth == 0 {
			return append(out, c, '\n')
		}
	}
	return append(out, c)
}
