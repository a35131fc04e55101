package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/botyard/botyard/host/api"
)

// chatRequest is the body of POST /api/v1/chat.
type chatRequest struct {
	ConversationID string `json:"conversation_id"`
	Message        string `json:"message"`
	UserID         string `json:"user_id,omitempty"`
	Prompt         string `json:"prompt,omitempty"`
	Stream         bool   `json:"stream,omitempty"`
}

// chat sends a message and calls show with each piece of the reply. After the last piece, it
// returns the whole reply.
func (c *client) chat(ctx context.Context, tenant string, req chatRequest, show func(string)) (*api.ChatReply, error) {
	req.Stream = true
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/chat", http.Header{"X-Tenant-Id": {tenant}}, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var reply *api.ChatReply
	err = readEvents(resp.Body, func(name string, data []byte) error {
		switch name {
		case api.EventDelta:
			var delta struct{ Text string }
			if err := json.Unmarshal(data, &delta); err != nil {
				return err
			}
			show(delta.Text)
		case api.EventDone:
			reply = new(api.ChatReply)
			return json.Unmarshal(data, reply)
		case api.EventError:
			var p api.Problem
			if err := json.Unmarshal(data, &p); err != nil {
				return err
			}
			return &remoteError{p}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		var remote *remoteError
		if errors.As(err, &remote) {
			return nil, err
		}
		return nil, fmt.Errorf("the reply broke off: %w", err)
	}
	if reply == nil {
		return nil, errors.New("the reply broke off: the host ended the stream without saying that the turn is kept")
	}
	return reply, nil
}

// maxEvent bounds one line of an event stream, in bytes. It is large because the last event
// repeats the whole reply.
const maxEvent = 64 << 20

// readEvents calls handle with each server-sent event in r.
func readEvents(r io.Reader, handle func(name string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	var name string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if name != "" {
				if err := handle(name, data); err != nil {
					return err
				}
			}
			name, data = "", nil
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			data = append(data, value...)
		} // A line that begins with a colon is a comment.
	}
	return lines.Err()
}
