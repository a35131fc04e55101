package llm

import (
	"strings"

	"github.com/botyard/botyard/sdk/chat"
)

// Order follows the pieces of a reply and says which part each belongs to. The zero value is at the
// beginning of a reply.
type Order struct {
	parts int
	kind  chat.Kind
	ended bool
}

// Continues reports whether d would continue the newest part.
func (o *Order) Continues(d *Delta) bool {
	return o.parts > 0 && !o.ended && !d.Begins && d.Streams() && d.Kind() == o.kind
}

// Add adds d, which is not nothing, and reports whether d began a part.
func (o *Order) Add(d *Delta) (began bool) {
	began = !o.Continues(d)
	if began {
		o.parts++
		o.kind = d.Kind()
	}
	o.ended = d.EndsPart()
	return began
}

// Parts returns how many parts have begun.
func (o *Order) Parts() int { return o.parts }

// Joiner puts the pieces of a reply together. The zero value is an empty reply.
type Joiner struct {
	order Order
	parts []chat.Part
	// text is that of the newest part, if more pieces may come. Parts copies it into the part, so
	// that a long text is not copied with each piece.
	text   strings.Builder
	open   bool
	filled bool // a part has something in it
}

// Add adds the next piece of the reply. It keeps what d points to.
func (j *Joiner) Add(d *Delta) {
	if d.IsNothing() {
		return
	}
	j.filled = j.filled || d.EndsPart() || d.PieceText() != ""
	if j.order.Add(d) {
		j.closeText()
		j.parts = append(j.parts, d.Part)
		j.open = d.Streams()
		if j.open {
			j.text.WriteString(d.PieceText())
		}
		return
	}
	j.text.WriteString(d.PieceText())
	last := &j.parts[len(j.parts)-1]
	if d.EndsPart() {
		last.Citations, last.State, last.Unknown = d.Citations, d.State, d.Unknown
	}
}

// closeText copies the collected text into the newest part.
func (j *Joiner) closeText() {
	if !j.open {
		return
	}
	j.open = false
	last := &Delta{Part: j.parts[len(j.parts)-1]}
	last.SetPieceText(j.text.String())
	j.parts[len(j.parts)-1] = last.Part
	j.text.Reset()
}

// IsEmpty reports whether nothing is in the reply.
func (j *Joiner) IsEmpty() bool { return !j.filled }

// Continues reports whether d would continue the newest part.
func (j *Joiner) Continues(d *Delta) bool { return j.order.Continues(d) }

// Parts returns the parts so far, in order. It leaves out parts of text, reasoning and refusals
// that have nothing in them. No piece may be added afterwards.
func (j *Joiner) Parts() []chat.Part {
	j.closeText()
	out := j.parts[:0]
	for i := range j.parts {
		if d := (Delta{Part: j.parts[i]}); !d.IsNothing() {
			out = append(out, d.Part)
		}
	}
	j.parts = out
	return out
}
