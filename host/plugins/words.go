package plugins

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
	"unicode"

	"github.com/botyard/botyard/host/bounds"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"
)

const (
	maxLine   = bounds.OutputLineBytes // the rest of a longer line is dropped
	maxFields = bounds.OutputFields
	lineRate  = bounds.OutputLines
	lineBurst = bounds.OutputBurst
)

// words forwards what a plugin process says to the host's log, whatever it says
// and however much, and remembers the end of it.
type words struct {
	log   hclog.Logger
	said  func(text string, most int) string // what of it may be repeated
	limit *rate.Limiter
	lost  *atomic.Int64 // counts the lines that are dropped

	mu      sync.Mutex
	dropped int
	latest  string
	panic   string // the line that began the end, if there was one
}

func newWords(log hclog.Logger, said func(string, int) string, lost *atomic.Int64) *words {
	return &words{log: log, said: said, limit: rate.NewLimiter(lineRate, lineBurst), lost: lost}
}

// follow reads r to its end. It never stops before: a plugin that writes to a full
// pipe stands still.
func (w *words) follow(r io.Reader) {
	in, ok := r.(*bufio.Reader)
	if !ok {
		in = bufio.NewReaderSize(r, maxLine)
	}
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			w.say(line)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // skip the rest of the line
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tellDropped()
}

// say forwards one line.
func (w *words) say(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	level, text, fields := w.parseLine(line)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = text
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		w.panic = text
	}
	if w.panic != "" && level == hclog.NoLevel {
		level = hclog.Error // the panic and its stack
	}
	if !w.limit.Allow() {
		w.dropped++
		w.lost.Add(1)
		return
	}
	w.tellDropped()
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	w.log.Log(level, text, fields...)
}

// tellDropped says how much is missing. The lock is held.
func (w *words) tellDropped() {
	if w.dropped > 0 {
		w.log.Warn("the plugin said more than is logged", "dropped_lines", w.dropped)
		w.dropped = 0
	}
}

// last is the line that tells most about the process's end.
func (w *words) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.latest
	if w.panic != "" {
		text = w.panic
	}
	const enough = 300
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "..."
	}
	return text
}

// parseLine reads a line that hclog wrote as JSON, and takes any other as text. It
// believes nothing about the types of what it finds.
func (w *words) parseLine(line []byte) (hclog.Level, string, []any) {
	var entry map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber() // digits may be a secret, and stay as they are
	if line[0] != '{' || d.Decode(&entry) != nil || d.More() {
		return hclog.NoLevel, w.said(string(line), maxLine), nil
	}
	message, ok := entry["@message"]
	if !ok {
		return hclog.NoLevel, w.said(string(line), maxLine), nil
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
		fields = append(fields, w.said(k, maxName), w.said(fieldText(entry[k]), maxLine))
	}
	return level, w.said(fieldText(message), maxLine), fields
}

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

// printable replaces what could play tricks with a terminal or break a log line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}

// lineWriter makes lines of what go-plugin passes on of the plugin's os.Stdout and
// os.Stderr, which it redirects once the plugin serves.
type lineWriter struct {
	words *words

	mu    sync.Mutex
	part  []byte
	ended bool // what comes now is not waited for the rest of
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
		l.flush()
		rest = after
	}
	if l.ended {
		l.flush()
	}
	return len(data), nil
}

// end says that the process has ended: a last line without an end is one too.
func (l *lineWriter) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.flush()
}

// flush says the line that is there. The lock is held.
func (l *lineWriter) flush() {
	l.words.say(l.part)
	l.part = l.part[:0]
}
