package ollama

import (
	"bytes"
	"io"
	"math"

	"github.com/botyard/botyard/sdk"
)

// jsonLines gives a stream of JSON objects as api.Client reads it: each on one line of
// its own, and nothing else. Servers, and proxies before them, send blank lines, several
// objects on a line, an object over several lines, and a byte order mark. What is no
// JSON object is passed on as it is, for an error to show it.
//
// It looks at each byte once, keeps none back, and holds no more than one read.
type jsonLines struct {
	io.ReadCloser
	raw     []byte // read, not looked at
	buf     []byte // holds raw
	ready   []byte // to be given out
	err     error  // after raw
	depth   int    // of braces and brackets
	text    bool   // in a JSON text
	escaped bool   // after a backslash there
	foreign bool   // in a line that is no object

	bounds bounds
	total  int64 // that was read
	line   int64 // of the line that is given out
	idle   int64 // of blanks at a stretch
}

func newJSONLines(body io.ReadCloser) *jsonLines {
	return &jsonLines{ReadCloser: body, buf: make([]byte, 16<<10), bounds: bounds{total: math.MaxInt64, line: math.MaxInt64}}
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
	}
	n := copy(p, j.ready)
	j.ready = j.ready[n:]
	return n, nil
}

// count looks at what was read last, and says what is too much of it.
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

// take appends what raw is to out.
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
			case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF: // blanks and a byte order mark
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

// inside takes a byte of an object that is not in a text.
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
