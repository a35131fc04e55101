package chat

// fieldBytes is an upper bound for the bytes of a protocol field beyond its value: its tag, its
// length, and the length of the message that contains it.
const fieldBytes = 16

// Size returns an estimate of the bytes that the message takes in the protocol. The estimate is
// never too small.
func (m Message) Size() int {
	return 2*fieldBytes + sizeOf(m.Parts)
}

// Size returns an estimate of the bytes that the part takes in the protocol. The estimate is never
// too small.
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

// Size returns the sum of the sizes of all messages.
func Size(messages []Message) (n int) {
	for _, m := range messages {
		n += m.Size()
	}
	return n
}

// Newest returns the newest messages whose sizes together are at most bytes. messages starts with
// the oldest message. The result shares the memory of messages.
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
