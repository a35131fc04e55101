package chat

// fieldBytes is more than what a field of a message takes beside its own bytes: a
// tag, and the lengths of it and of the message that it is in.
const fieldBytes = 16

// Size is about how many bytes the message takes in the protocol; never less.
func (m Message) Size() int {
	return 2*fieldBytes + sizeOf(m.Parts)
}

// Size is about how many bytes the part takes in the protocol; never less.
func (p Part) Size() int {
	n := fieldBytes + len(p.Text)
	if i := p.Image; i != nil {
		n += 3*fieldBytes + len(i.MediaType) + len(i.Data) + len(i.URL)
	}
	if r := p.Reasoning; r != nil {
		n += 2*fieldBytes + len(r.Text) + len(r.Signature)
	}
	if c := p.ToolCall; c != nil {
		n += 3*fieldBytes + len(c.ID) + len(c.Name) + len(c.Arguments)
	}
	if r := p.ToolResult; r != nil {
		n += 4*fieldBytes + len(r.ToolCallID) + len(r.Name) + sizeOf(r.Parts)
	}
	return n
}

func sizeOf(parts []Part) (n int) {
	for _, p := range parts {
		n += p.Size()
	}
	return n
}

// Size is that of all messages.
func Size(messages []Message) (n int) {
	for _, m := range messages {
		n += m.Size()
	}
	return n
}

// Newest gives the newest of the messages, which are oldest first, that have at most
// so many bytes together. They are not copied.
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
