package ollama

import "io"

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
}

func newJSONLines(body io.ReadCloser) *jsonLines {
	return &jsonLines{ReadCloser: body, buf: make([]byte, 16<<10)}
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
	}
	n := copy(p, j.ready)
	j.ready = j.ready[n:]
	return n, nil
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
