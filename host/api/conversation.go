package api

import (
	"io"
	"net/http"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// Conversation is an entry in the list of conversations.
type Conversation struct {
	ID        string  `json:"id"`
	UserID    string  `json:"user_id,omitempty"` // the owner; empty if the conversation belongs to the tenant
	Turns     int64   `json:"turns"`             // the number of succeeded turns
	CreatedAt *string `json:"created_at"`
	UpdatedAt *string `json:"updated_at"`
}

// Conversations is the response body of GET /api/v1/conversations: one page, ordered by id. Next is
// the parameter "after" of the next page, or null on the last page.
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
	lease, err := s.acquireBot(r)
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

// Messages is the response body of GET /api/v1/conversations/{id}: one page of the messages of the
// succeeded turns, oldest first. Next is the parameter "after" of the next page, or null on the
// last page.
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
	lease, err := s.acquireBot(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	id := r.PathValue("id")
	// The share covers a page of messages, and the turns that the pager reads at once.
	share, err := holdPage(w, r, sdk.MaxPageBytes+pageBytes(lease.Limits, min(turnsAtOnce, limit/2+2)))
	if err != nil {
		return err
	}
	defer share.Release()
	p := pager{after: after, limit: limit, read: func(after int64, limit int) (*bot.TurnPage, error) {
		return lease.Turns(r.Context(), bot.TurnsRequest{User: user, Conversation: id, After: after, Limit: limit})
	}}
	messages, more, err := p.page()
	if err != nil {
		return err
	}
	lease.Release() // writing to a slow reader must not occupy the bot
	left := sizeFrom(len(messages), func(i int) int { return len(messages[i].Content) + chat.Message{Parts: messages[i].Parts}.Size() })
	if err := resize(share, left(0)); err != nil {
		return err
	}
	out := Messages{ID: id, Messages: []Message{}}
	if more {
		out.Next = &messages[len(messages)-1].ID
	}
	return writeList(w, out, elements{name: "messages", size: len(messages), bytes: left, write: func(i int, to io.Writer) error {
		var long jsonstream.LongTexts
		m := replaceLongTexts(messages[i:i+1], &long)
		messages[i] = Message{} // frees the memory of a message that is never written again
		return long.Write(to, m[0])
	}}, share)
}

func (s *Server) deleteConversation(w http.ResponseWriter, r *http.Request) error {
	user, err := queryOf(r).id("user_id")
	if err != nil {
		return err
	}
	lease, err := s.acquireBot(r)
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
