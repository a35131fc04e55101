package load

import "strconv"

// Turn is a turn that a caller sends.
type Turn struct {
	Tenant       string
	Conversation string
	Stream       bool
	Path         string // route of the request; empty is the constant Path
}

// Path is the HTTP route for turns.
const Path = "/api/v1/chat"

// message is the user's message in every turn. It has ten words, like a message of a real user.
const message = "Please tell me how I can reset my forgotten password"

// append writes the HTTP request of the turn to b, and uses body as scratch space. It overwrites both
// slices and returns them for the next call.
func (t Turn) append(b []byte, body []byte) (request, scratch []byte) {
	body = append(body[:0], `{"conversation_id":"`...)
	body = append(body, t.Conversation...)
	body = append(body, `","message":"`+message+`"`...)
	if t.Stream {
		body = append(body, `,"stream":true`...)
	}
	body = append(body, '}')

	path := t.Path
	if path == "" {
		path = Path
	}
	b = append(append(append(b[:0], "POST "...), path...), " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Tenant-ID: "...)
	b = append(b, t.Tenant...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...), body
}
