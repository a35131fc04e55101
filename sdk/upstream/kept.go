package upstream

import (
	"strings"

	"github.com/botyard/botyard/sdk/budget"
)

// Kept copies what a plugin needs of an event after it has read the next one, such as the arguments of a
// call that comes in pieces. A decoder cuts texts out of the data of an event, so whoever keeps such a
// text keeps the whole event in memory. The copies count against the process until the response is
// closed, as the event does that is read. How much a reply keeps, the plugin bounds. One goroutine uses a
// Kept, and none after the response is closed.
type Kept struct {
	client *Client
	body   *body
}

// Kept returns what keeps texts of the response's events.
func (r *Response) Kept() *Kept { return &Kept{client: r.client, body: r.body} }

// Texts replaces each text by its copy. If the process has no room for them, it returns
// fault.ProviderFailed and replaces nothing.
func (k *Kept) Texts(texts ...*string) error {
	n := 0
	for _, text := range texts {
		n += len(*text)
	}
	if err := k.Count(n); err != nil {
		return err
	}
	for _, text := range texts {
		*text = strings.Clone(*text)
	}
	return nil
}

// Append appends the text to what a builder has. If the process has no room for it, Append returns
// fault.ProviderFailed and appends nothing.
func (k *Kept) Append(to *strings.Builder, text string) error {
	if err := k.Count(len(text)); err != nil {
		return err
	}
	to.WriteString(text)
	return nil
}

// Count counts n bytes of what a plugin made of an event and keeps. If the process has no room for them,
// Count returns fault.ProviderFailed.
func (k *Kept) Count(n int) error {
	if !k.body.meter.Add(int64(n), budget.Patience) {
		return k.client.noRoom()
	}
	k.body.kept += int64(n)
	return nil
}

// Beginning returns a copy of the first bytes of a text, most at most. It is for short texts of events,
// such as names, which count nothing.
func Beginning(text string, most int) string { return strings.Clone(text[:min(len(text), most)]) }
