package archivetest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Storage keeps conversations in memory. The zero value is empty and ready. It is safe for concurrent
// use.
type Storage struct {
	// Before, if it is set, is called before each method of storage.Storage and
	// storage.Importer, with the method's name. If Before returns an error, the method does
	// nothing and returns this error. A test sets Before before it calls the first method.
	Before func(method string, call sdk.Call) error

	mu            sync.Mutex
	incarnations  int
	conversations map[address]*conversation
	leases        map[string]time.Time
	erased        map[owner]bool
	removed       []*conversation // deleted conversations that still have turns
}

var (
	_ storage.Storage  = (*Storage)(nil)
	_ storage.Importer = (*Storage)(nil)
	_ storage.Renewer  = (*Storage)(nil)
)

type owner struct{ tenant, incarnation string }

type address struct {
	owner
	id string
}

type conversation struct {
	address
	user             string
	incarnation      int
	turns            []*turn // by sequence, from 1
	number           int64   // the number of the last turn that succeeded
	keys             map[string]*turn
	created, updated time.Time
}

type turn struct {
	storage.Turn
	holder, attempt string
	digest          []byte
	closed          bool // Commit refuses to end a closed turn
}

func addressOf(call sdk.Call) address {
	return address{owner{call.Tenant, call.Incarnation}, call.Conversation}
}

// begin calls Before, checks that the call names a tenant, and locks mu. The caller of begin
// calls end, which unlocks mu.
func (s *Storage) begin(method string, call sdk.Call) (end func(), err error) {
	if s.Before != nil {
		if err := s.Before(method, call); err != nil {
			return nil, err
		}
	}
	if call.Tenant == "" {
		return nil, fault.New(fault.Invalid, "the call names too little")
	}
	s.mu.Lock()
	if s.conversations == nil {
		s.conversations, s.leases, s.erased = map[address]*conversation{}, map[string]time.Time{}, map[owner]bool{}
	}
	return s.mu.Unlock, nil
}

// beginNamed calls begin, and then checks that the call names a conversation too.
func (s *Storage) beginNamed(method string, call sdk.Call) (end func(), err error) {
	end, err = s.begin(method, call)
	if err == nil && call.Conversation == "" {
		end()
		return nil, fault.New(fault.Invalid, "the call names too little")
	}
	return end, err
}

// running returns the running turn of the conversation, or nil if no turn runs in it.
func (c *conversation) running() *turn {
	if n := len(c.turns); n > 0 && c.turns[n-1].State == storage.Running {
		return c.turns[n-1]
	}
	return nil
}

// findLocked returns the conversation that the call names. If the conversation does not exist,
// findLocked returns a new one, which is not stored yet.
//
// Locked: mu is held.
func (s *Storage) findLocked(call sdk.Call, created time.Time) (*conversation, error) {
	if c := s.conversations[addressOf(call)]; c != nil {
		return c, nil
	}
	if s.erased[addressOf(call).owner] {
		return nil, fault.New(fault.Conflict, "this incarnation of the tenant is over")
	}
	s.incarnations++
	return &conversation{address: addressOf(call), user: call.User, incarnation: s.incarnations, keys: map[string]*turn{}, created: created}, nil
}

// Read implements storage.Storage.
func (s *Storage) Read(_ context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	end, err := s.beginNamed("Read", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if req.Limit < 1 || req.Limit > storage.MaxPage || req.After < 0 || req.Owned && req.Call.User == "" {
		return nil, fault.New(fault.Invalid, "out of bounds").At("limit")
	}
	c := s.conversations[addressOf(req.Call)]
	if c == nil || c.hiddenFrom(req.Call, req.Owned) {
		return nil, notFound()
	}
	page := &storage.TurnPage{}
	var bytes storage.PageBytes
	full := false
	for _, t := range c.turns[min(int(req.After), len(c.turns)):] {
		if !req.All && t.State != storage.Succeeded {
			continue
		}
		if page.More = full || len(page.Turns) == req.Limit; page.More {
			break
		}
		page.Turns = append(page.Turns, t.Turn)
		full = bytes.Full(t.Size())
	}
	return page, nil
}

// List implements storage.Storage.
func (s *Storage) List(_ context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	end, err := s.begin("List", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if req.Limit < 1 || req.Limit > storage.MaxPage || req.Wrote && req.Call.User == "" {
		return nil, fault.New(fault.Invalid, "out of bounds").At("limit")
	}
	var all []storage.Conversation
	for a, c := range s.conversations {
		its := req.Call.User == "" || c.user == req.Call.User || req.Wrote && c.wrote(req.Call.User)
		if a.owner == addressOf(req.Call).owner && a.id > req.After && its {
			all = append(all, storage.Conversation{ID: a.id, Incarnation: strconv.Itoa(c.incarnation), User: c.user, Turns: c.number, CreatedAt: c.created, UpdatedAt: c.updated,
				Shared: req.Wrote && c.shared()})
		}
	}
	slices.SortFunc(all, func(a, b storage.Conversation) int { return strings.Compare(a.ID, b.ID) })
	return &storage.ConversationPage{Conversations: all[:min(len(all), req.Limit)], More: len(all) > req.Limit}, nil
}

// extendLocked extends the holder's lease to the time until. A lease that ends later than until
// stays as it is.
//
// Locked: mu is held.
func (s *Storage) extendLocked(holder string, until time.Time) {
	if until.After(s.leases[holder]) {
		s.leases[holder] = until
	}
}

// Renew implements storage.Renewer.
func (s *Storage) Renew(_ context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewal(holders, lease); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, holder := range holders {
		if _, known := s.leases[holder]; known {
			s.extendLocked(holder, time.Now().Add(lease))
		}
	}
	return nil
}
