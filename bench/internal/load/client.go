package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// replyTimeout is how long one turn may take. It makes a run end with an error if the host hangs.
const replyTimeout = 30 * time.Second

// client is one HTTP connection that stays open. It carries one turn at a time.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	scratch []byte
	body    bytes.Buffer
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// send writes the request of a turn. The caller then calls receive to read the reply.
func (c *client) send(t Turn) error {
	c.request, c.scratch = t.append(c.request, c.scratch)
	_ = c.conn.SetDeadline(time.Now().Add(replyTimeout))
	_, err := c.conn.Write(c.request)
	return err
}

// receive reads and checks the reply of a turn that was sent with send. It returns the time at which the
// first piece of the reply was read.
func (c *client) receive(t Turn) (first time.Time, err error) {
	status, length, err := c.header()
	if err != nil {
		return first, err
	}
	c.body.Reset()
	var body io.Reader = io.LimitReader(c.in, length)
	if length < 0 {
		body = httputil.NewChunkedReader(c.in)
	}
	if t.Stream {
		var b [1]byte
		n, err := io.ReadFull(body, b[:])
		first = time.Now()
		if err != nil {
			return first, err
		}
		c.body.Write(b[:n])
	}
	if _, err := c.body.ReadFrom(body); err != nil {
		return first, err
	}
	if length < 0 { // reads the empty line after the last chunk
		if _, err := c.in.ReadSlice('\n'); err != nil {
			return first, err
		}
	}
	if !t.Stream {
		first = time.Now()
	}
	if status != 200 {
		return first, fmt.Errorf("status %d: %s", status, c.body.Bytes())
	}
	return first, check(t, c.body.Bytes())
}

var (
	eventDone = []byte("event: done\n")
	replyKey  = []byte(`"reply":"`)
)

// check returns an error if the body is not a complete reply.
func check(t Turn, body []byte) error {
	if t.Stream && !bytes.Contains(body, eventDone) {
		return fmt.Errorf("the stream did not end with done: %s", body)
	}
	if !bytes.Contains(body, replyKey) {
		return fmt.Errorf("there is no reply in %s", body)
	}
	return nil
}

// header reads the status line and the headers of a response. length is -1 for a chunked body.
func (c *client) header() (status int, length int64, err error) {
	line, err := c.line()
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	length = -2
	for {
		line, err := c.line()
		if err != nil {
			return 0, 0, err
		}
		if len(line) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.ParseInt(string(v), 10, 64); err != nil {
				return 0, 0, err
			}
		}
		if bytes.Equal(line, []byte("Transfer-Encoding: chunked")) {
			length = -1
		}
	}
	if length == -2 {
		return 0, 0, errors.New("the reply has no length")
	}
	return status, length, nil
}

func (c *client) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

func (c *client) close() { _ = c.conn.Close() }
