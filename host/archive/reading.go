package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// reading gives the lines of an export, and refuses what cannot be one.
type reading struct {
	in     *bufio.Reader
	number int // of the last line
	buf    []byte
}

// errCutOff is an export without its end.
var errCutOff = errors.New("the export is cut off: its end is missing")

// next reads a line; what it answers is good until the next call.
func (r *reading) next() ([]byte, error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		r.buf = append(r.buf, part...)
		switch {
		case len(r.buf) > MaxLine:
			return nil, fault.New(fault.Invalid, "a line has more than %d bytes", MaxLine)
		case err == nil:
			r.number++
			return bytes.TrimSuffix(r.buf, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(r.buf)) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			// A last line without its line feed is whole if it is JSON.
			r.number++
			return r.buf, nil
		default:
			return nil, fault.New(fault.Canceled, "the export could not be read on: %w", err)
		}
	}
}

// decode reads a line of any type into what its type is read into.
func decode(line []byte) (any, error) {
	var kind struct {
		Type    string `json:"type"`
		Version int    `json:"version"`
		Problem struct {
			Detail string `json:"detail"`
		} `json:"problem"`
	}
	if !utf8.Valid(line) {
		return nil, fault.New(fault.Invalid, "is not UTF-8 text")
	}
	if bytes.HasPrefix(line, []byte(`{"type":"turn",`)) {
		kind.Type = TypeTurn // nearly all are: they are read once
	} else if err := json.Unmarshal(line, &kind); err != nil {
		return nil, fault.New(fault.Invalid, "is not the JSON of a line of an export: %w", err)
	}
	var out any
	switch kind.Type {
	case TypeExport:
		if kind.Version != Version {
			return nil, fault.New(fault.Invalid, "is of version %d of the form of exports; this host reads version %d", kind.Version, Version)
		}
		out = &headLine{}
	case TypeTenant:
		out = &tenantDocument{}
	case TypeConversation:
		out = &conversationLine{}
	case TypeTurn:
		out = &turnLine{}
	case TypeEnd:
		out = &endLine{}
	case TypeError:
		return nil, fault.New(fault.Invalid, "says that the export failed: %s", kind.Problem.Detail)
	default:
		return nil, fault.New(fault.Invalid, "is of the type %q, which no line of an export is", kind.Type)
	}
	// A field that is not known would be lost.
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return nil, fault.New(fault.Invalid, "is not a line of the type %q: %w", kind.Type, err)
	}
	return out, nil
}

// tenantDocument is a tenantLine whose configuration is not read yet.
type tenantDocument struct {
	Type    string          `json:"type"`
	Config  json.RawMessage `json:"config"`
	LeftOut []string        `json:"left_out"`
}

// check refuses a conversation that nobody could reach.
func (l *conversationLine) check() error {
	if err := bot.CheckID("id", l.ID); err != nil {
		return err
	}
	if l.User == "" {
		return nil
	}
	return bot.CheckID("user", l.User)
}

// check refuses what is no turn. Whether it fits to the others is the storage's to say.
func (l *turnLine) check() error {
	if _, known := states[l.State]; !known {
		return fault.New(fault.Invalid, "is %q; expected running, succeeded, failed or interrupted", l.State).At("state")
	}
	if l.User != "" {
		if err := bot.CheckID("user", l.User); err != nil {
			return err
		}
	}
	if t := l.turn(); t.Size() > MaxTurn {
		return fault.New(fault.Invalid, "turn %d has %d bytes; at most %d are taken", l.Sequence, t.Size(), MaxTurn)
	}
	emptied := l.User == "" && l.Key == "" && l.Reason == "" && l.Metadata == nil && l.Record == nil && l.Usage == chat.Usage{}
	if len(l.Messages) == 0 && !emptied {
		return fault.New(fault.Invalid, "is empty; a turn that was not emptied has a message at least").At("messages")
	}
	for _, m := range l.Messages {
		switch m.Role {
		case chat.System, chat.User, chat.Assistant, chat.Tool:
		default:
			return fault.New(fault.Invalid, "has the role %q", m.Role).At("messages")
		}
	}
	return nil
}
