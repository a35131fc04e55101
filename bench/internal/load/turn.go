package load

import "strconv"

// Turn is a turn to send.
type Turn struct {
	Tenant       string
	Conversation string
	Stream       bool
	Path         string // route; empty is the constant Path
}

// Path is the route of a turn.
const Path = "/api/v1/chat"

// message is the message of every turn: ten words, as people write.
const message = "Please tell me how I can reset my forgotten password"

// append writes the turn as an HTTP request to b, and its body to body first. It returns both, to be
// used again.
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
