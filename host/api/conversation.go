package api

import (
	"io"
	"net/http"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Conversation is one entry of the list of conversations.
type Conversation struct {
	ID        string  `json:"id"`
	UserID    string  `json:"user_id,omitempty"` // with whom it was begun; none for the tenant's
	Turns     int64   `json:"turns"`             // succeeded ones
	CreatedAt *string `json:"created_at"`
	UpdatedAt *string `json:"updated_at"`
}

// Conversations answers GET /api/v1/conversations. Next, unless null, is the after of
// the next page.
type Conversations struct {
	Conversations []Conversation `json:"conversations"`
	Next          *string        `json:"next"`
}

func (s *Server) listConversations(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	user, err := q.id("user_id")
	if err != nil {
		return err
	}
	after, err := q.id("after")
	if err != nil {
		return err
	}
	lease, err := s.lease(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	page, err := lease.Conversations(r.Context(), user, after, limit)
	if err != nil {
		return err
	}
	out := Conversations{Conversations: []Conversation{}}
	for _, c := range page.Conversations {
		out.Conversations = append(out.Conversations, Conversation{
			ID: c.ID, UserID: c.User, Turns: c.Turns,
			CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt),
		})
	}
	if n := len(page.Conversations); page.More && n > 0 {
		out.Next = &page.Conversations[n-1].ID
	}
	return writeJSON(w, r, http.StatusOK, out)
}

// Messages answers GET /api/v1/conversations/{id}: the messages of the succeeded turns,
// oldest first. Next, unless null, is the after of the next page.
type Messages struct {
	ID       string    `json:"id"`
	Messages []Message `json:"messages"`
	Next     *string   `json:"next"`
}

func (s *Server) readConversation(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	after, err := parseCursor(q.text("after"))
	if err != nil {
		return err
	}
	user, err := q.id("user_id")
	if err != nil {
		return err
	}
	lease, err := s.lease(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	id := r.PathValue("id")
	// The messages that were read, and the next turns to choose from.
	share, err := holdPage(w, r, sdk.MaxPageBytes+pageBytes(lease.Limits, min(turnsAtOnce, limit/2+2)))
	if err != nil {
		return err
	}
	defer share.Release()
	p := pager{after: after, limit: limit, read: func(after int64, limit int) (*storage.TurnPage, error) {
		return lease.Turns(r.Context(), bot.TurnsRequest{User: user, Conversation: id, After: after, Limit: limit})
	}}
	messages, more, err := p.page()
	if err != nil {
		return err
	}
	lease.Release() // whoever reads slowly holds no bot
	left := sizeFrom(len(messages), func(i int) int { return len(messages[i].Content) + chat.Message{Parts: messages[i].Parts}.Size() })
	if err := resize(share, left(0)); err != nil {
		return err
	}
	out := Messages{ID: id, Messages: []Message{}}
	if more {
		out.Next = &messages[len(messages)-1].ID
	}
	return writeList(w, out, elements{name: "messages", size: len(messages), bytes: left, write: func(i int, to io.Writer) error {
		var long jsonstream.Shelf
		m := shelve(messages[i:i+1], &long)
		messages[i] = Message{} // it is written once
		return long.Write(to, m[0])
	}}, share)
}

func (s *Server) deleteConversation(w http.ResponseWriter, r *http.Request) error {
	user, err := queryOf(r).id("user_id")
	if err != nil {
		return err
	}
	lease, err := s.lease(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	if err := lease.DeleteConversation(r.Context(), user, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
