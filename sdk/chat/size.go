package chat

// fieldBytes is more than a field of a message takes beside its own bytes: a tag, and the
// lengths of the field and of the message that it is in.
const fieldBytes = 16

// Size returns about how many bytes the message takes in the protocol, and never fewer.
func (m Message) Size() int {
	return 2*fieldBytes + len(m.Unknown) + sizeOf(m.Parts)
}

// Size returns about how many bytes the part takes in the protocol, and never fewer.
func (p *Part) Size() int {
	n := fieldBytes + len(p.Text) + len(p.Unknown)
	if m := p.Media; m != nil {
		n += 6*fieldBytes + len(m.Kind) + len(m.MediaType) + len(m.Data) + len(m.URL) + len(m.Reference) + len(m.Name) + len(m.Unknown)
	}
	if r := p.Reasoning; r != nil {
		n += 2*fieldBytes + len(r.Text) + len(r.Unknown)
	}
	if c := p.ToolCall; c != nil {
		n += 3*fieldBytes + len(c.ID) + len(c.Name) + len(c.Arguments) + len(c.Unknown)
	}
	if r := p.ToolResult; r != nil {
		n += 5*fieldBytes + len(r.ToolCallID) + len(r.Name) + len(r.Structured) + len(r.Unknown) + sizeOf(r.Parts)
	}
	if r := p.Refusal; r != nil {
		n += 2*fieldBytes + len(r.Text) + len(r.Unknown)
	}
	if o := p.Other; o != nil {
		n += 3*fieldBytes + len(o.Type) + len(o.Data) + len(o.Unknown)
	}
	for i := range p.Citations {
		c := &p.Citations[i]
		n += 7*fieldBytes + len(c.URL) + len(c.Document) + len(c.Title) + len(c.Quote) + len(c.Unknown)
	}
	if s := p.State; s != nil {
		n += s.size()
	}
	return n
}

func (s *ProviderState) size() int {
	return 3*fieldBytes + len(s.Maker) + len(s.Data) + len(s.Unknown)
}

// StateSize returns about how many bytes the provider states of the parts take in the protocol,
// those in results of tools included.
func StateSize(parts []Part) (n int) {
	for i := range parts {
		if s := parts[i].State; s != nil {
			n += s.size()
		}
		if r := parts[i].ToolResult; r != nil {
			n += StateSize(r.Parts)
		}
	}
	return n
}

func sizeOf(parts []Part) (n int) {
	for i := range parts {
		n += parts[i].Size()
	}
	return n
}

// Size returns the sum of the messages' sizes.
func Size(messages []Message) (n int) {
	for _, m := range messages {
		n += m.Size()
	}
	return n
}

// Newest returns the newest of the messages, which are oldest first, that have at most so many
// bytes together. It returns a part of the given slice.
func Newest(messages []Message, bytes int) []Message {
	first := len(messages)
	for first > 0 {
		if bytes -= messages[first-1].Size(); bytes < 0 {
			break
		}
		first--
	}
	return messages[first:]
}
