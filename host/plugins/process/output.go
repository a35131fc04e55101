package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/bounds"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"
)

const (
	maxLine   = bounds.OutputLineBytes // the part of a line beyond this size is dropped
	maxFields = bounds.OutputFields
	lineRate  = bounds.OutputLines
	lineBurst = bounds.OutputBurst
)

// output writes the output lines of a plugin process to the host's log, up to lineRate
// lines per second, and remembers the last line that is no log line below hclog.Warn.
type output struct {
	log          hclog.Logger
	sanitizer    *Sanitizer
	limit        *rate.Limiter
	droppedTotal *atomic.Int64 // counts the dropped lines of all processes of the plugin

	mu        sync.Mutex
	dropped   int // lines that were dropped since the last logged line
	latest    string
	panicLine string // the first line of a panic; empty if there was no panic
}

func newOutput(log hclog.Logger, sanitizer *Sanitizer, droppedTotal *atomic.Int64) *output {
	return &output{log: log, sanitizer: sanitizer, limit: rate.NewLimiter(lineRate, lineBurst), droppedTotal: droppedTotal}
}

// follow reads r to its end. It continues to read when it drops lines, because a plugin
// that writes to a full pipe blocks.
func (o *output) follow(r io.Reader) {
	in, ok := r.(*bufio.Reader)
	if !ok {
		in = bufio.NewReaderSize(r, maxLine)
	}
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			o.writeLine(line)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // skip the part of the line that is longer than maxLine
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			break
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.logDroppedLocked()
}

// writeLine logs a line. It drops the line instead if the rate limit is reached.
func (o *output) writeLine(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	level, text, fields := o.parseLine(line)
	o.mu.Lock()
	defer o.mu.Unlock()
	if level == hclog.NoLevel || level >= hclog.Warn {
		o.latest = text // a log line below Warn does not explain the end of a process
	}
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		o.panicLine = text
	}
	if o.panicLine != "" && level == hclog.NoLevel {
		level = hclog.Error // a line after a panic is a part of its stack
	}
	if !o.limit.Allow() {
		o.dropped++
		o.droppedTotal.Add(1)
		return
	}
	o.logDroppedLocked()
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	o.log.Log(level, text, fields...)
}

// logDroppedLocked logs how many lines were dropped since the last logged line. Locked: mu
// is held.
func (o *output) logDroppedLocked() {
	if o.dropped > 0 {
		o.log.Warn("the plugin said more than is logged", "dropped_lines", o.dropped)
		o.dropped = 0
	}
}

// lastLine returns the line that best explains the end of the process: the first line of a
// panic, or the last line if there was no panic.
func (o *output) lastLine() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.latest
	if o.panicLine != "" {
		text = o.panicLine
	}
	const enough = 300
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "..."
	}
	return text
}

// parseLine parses a line that hclog wrote as JSON. It returns any other line as text with
// hclog.NoLevel. A plugin may write any JSON, so parseLine assumes no types of its values.
func (o *output) parseLine(line []byte) (hclog.Level, string, []any) {
	var entry map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber() // UseNumber keeps all digits of a number, so that a secret of digits can be found and cut out
	if line[0] != '{' || d.Decode(&entry) != nil || d.More() {
		return hclog.NoLevel, o.sanitizer.Clean(string(line), maxLine), nil
	}
	message, ok := entry["@message"]
	if !ok {
		return hclog.NoLevel, o.sanitizer.Clean(string(line), maxLine), nil
	}
	level := hclog.NoLevel
	if name, ok := entry["@level"].(string); ok {
		level = hclog.LevelFromString(name)
	}
	var keys []string
	for k := range entry {
		if !strings.HasPrefix(k, "@") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var fields []any
	for _, k := range keys[:min(len(keys), maxFields)] {
		fields = append(fields, o.sanitizer.Clean(k, MaxNameBytes), o.sanitizer.Clean(fieldText(entry[k]), maxLine))
	}
	return level, o.sanitizer.Clean(fieldText(message), maxLine), fields
}

// fieldText returns the value of a log entry's field as text.
func fieldText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any, []any:
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}

// preamble keeps the first bounds.PreambleBytes of what is written to it. Its text may be
// read when the last Write has returned.
type preamble struct{ text []byte }

// Write implements io.Writer. It never fails.
func (p *preamble) Write(data []byte) (int, error) {
	p.text = append(p.text, data[:min(len(data), bounds.PreambleBytes-len(p.text))]...)
	return len(data), nil
}

// lineWriter splits the plugin's os.Stdout or os.Stderr into lines. go-plugin redirects
// both through its connection once the plugin serves.
type lineWriter struct {
	output *output

	mu    sync.Mutex
	part  []byte
	ended bool // whether the process has ended, so that a started line is not completed any more
}

func (l *lineWriter) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := data; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if room := maxLine - len(l.part); room > 0 {
			l.part = append(l.part, line[:min(len(line), room)]...)
		}
		if !whole {
			break
		}
		l.flushLocked()
		rest = after
	}
	if l.ended {
		l.flushLocked()
	}
	return len(data), nil
}

// end records that the process has ended. It also writes a last line that has no line end.
func (l *lineWriter) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.flushLocked()
}

// flushLocked writes the current line to output. Locked: mu is held.
func (l *lineWriter) flushLocked() {
	l.output.writeLine(l.part)
	l.part = l.part[:0]
}
