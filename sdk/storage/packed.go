package storage

import (
	"encoding/binary"

	"github.com/botyard/botyard/sdk/fault"
)

// PackBodies returns the bodies of the messages in one text of bytes, each after its length as a
// varint of the protocol. It returns nil for no messages. A storage may keep a turn's messages in
// this form.
func PackBodies(messages []Message) []byte {
	n := 0
	for _, m := range messages {
		n += binary.MaxVarintLen32 + len(m.Body)
	}
	if n == 0 {
		return nil
	}
	packed := make([]byte, 0, n)
	for _, m := range messages {
		packed = binary.AppendUvarint(packed, uint64(len(m.Body)))
		packed = append(packed, m.Body...)
	}
	return packed
}

// AppendPacked appends the messages whose bodies PackBodies has packed. The bodies are parts of
// packed. It returns fault.Internal for bytes that are not packed bodies.
func AppendPacked(messages []Message, packed []byte) ([]Message, error) {
	for len(packed) > 0 {
		size, n := binary.Uvarint(packed)
		if n <= 0 || size > uint64(len(packed)-n) {
			return nil, fault.New(fault.Internal, "a turn in the database has bytes that are no packed messages").By(fault.PartyPlugin)
		}
		end := n + int(size)
		messages = append(messages, Message{Body: packed[n:end:end]})
		packed = packed[end:]
	}
	return messages, nil
}

// PackedSize returns an upper bound for the bytes that packed messages take in the protocol.
func PackedSize(packed []byte, messages int) int { return len(packed) + messages*MessageBytes }
