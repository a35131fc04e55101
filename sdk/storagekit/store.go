package storagekit

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Store keeps conversations in a DB. It is safe for concurrent use. A Store has no state of its own, so that
// any number of Stores, also in other processes, may share a DB. It does not close the DB: the owner of the
// DB does, after the last call has returned. Each call is one transaction, except that Claim may need
// several to make room for a new store key. The errors are of package fault: those that package storage
// names, and those of the DB.
type Store struct {
	db DB
	o  Options
}

// Options are the settings of a Store. The zero value bounds nothing.
type Options struct {
	// Admit decides whether a tenant may store about so many bytes more. The Store calls it in a transaction
	// before it starts a turn, imports turns or makes a branch. If Admit returns an error, nothing changes,
	// and the call returns the error. The Store does not call Admit for the end of a turn, so that no reply
	// is lost. Admit may be called concurrently, and may be nil.
	Admit func(tenant string, bytes int64) error
}

var (
	_ storage.Storage     = (*Store)(nil)
	_ storage.Renewer     = (*Store)(nil)
	_ storage.Importer    = (*Store)(nil)
	_ storage.Brancher    = (*Store)(nil)
	_ storage.CursorStore = (*Store)(nil)
)

// New returns a Store on the DB. The constructor of a plugin returns a type that embeds the Store. The SDK then
// finds the features renew, import, branch and cursor in the methods of the type. The plugin names the
// features feature.Owners and feature.Retract itself, as options.
func New(db DB, o Options) *Store {
	if o.Admit == nil {
		o.Admit = func(string, int64) error { return nil }
	}
	return &Store{db, o}
}

// view is what a call sees of its tenant: the keys of the current generation of the incarnation.
type view struct {
	Reader
	call sdk.Call
	generation
	prefix []byte   // D inc gen
	keys   keySpace // memory for the keys of the call
}

// change is a view that can change what it sees.
type change struct {
	view
	tx     Tx
	admit  func(tenant string, bytes int64) error
	record []byte // in which records are encoded, one after another
	// What a Begin or a Commit is about is here, so that it needs no memory of its own.
	ownTalk conversation
	ownTurn turn
}

// changes has the changes of calls that have returned, so that later calls use their memory again.
var changes = sync.Pool{New: func() any {
	return &change{view: view{keys: newKeySpace()}, record: make([]byte, 0, recordBytes)}
}}

// recordBytes is more than most records have. A later call reuses the memory for records unless it has
// more than maxKeptRecord bytes.
const (
	recordBytes   = 1024
	maxKeptRecord = 64 << 10
)

// mayGrow returns the error of Options.Admit.
func (x *change) mayGrow(bytes int) error { return x.admit(x.call.Tenant, int64(bytes)) }

// view calls f with what the call sees of its tenant, in a transaction that only reads.
func (s *Store) view(ctx context.Context, call sdk.Call, f func(*view) error) error {
	return s.db.View(ctx, call.Tenant, func(r Reader) error {
		v := &view{Reader: r, call: call}
		if err := v.open(); err != nil {
			return err
		}
		return f(v)
	})
}

// update calls f in a transaction that reads and writes, and commits it if f returns nil.
func (s *Store) update(ctx context.Context, call sdk.Call, f func(*change) error) error {
	x := changes.Get().(*change)
	x.call = call
	err := s.db.Update(ctx, call.Tenant, func(tx Tx) error {
		*x = change{view: view{Reader: tx, call: x.call, keys: x.keys.reset()}, tx: tx, admit: s.o.Admit, record: x.record}
		if err := x.open(); err != nil {
			return err
		}
		return f(x)
	})
	if *x = (change{view: view{keys: x.keys}, record: x.record}); cap(x.record) <= maxKeptRecord {
		changes.Put(x)
	}
	return err
}

// open reads the generation of the call's incarnation.
func (v *view) open() error {
	b, err := v.Get(v.generationKey())
	if err != nil {
		return err
	}
	if v.generation, err = decodeGeneration(b); err != nil {
		return err
	}
	v.prefix = v.generationPrefix(v.current)
	return nil
}

// keyAt is like the function key, but takes the memory from v.keys. The key is valid until the
// transaction ends.
func (v *view) keyAt(prefix []byte, tag byte, texts ...string) []byte {
	return appendKey(v.keys.take(keySize(prefix, texts)), prefix, tag, texts)
}

// key returns a key of the current generation.
func (v *view) key(tag byte, texts ...string) []byte { return v.keyAt(v.prefix, tag, texts...) }

func (v *view) generationKey() []byte { return v.keyAt(nil, 'M', v.call.Incarnation) }

// generationPrefix returns the prefix of the keys of a generation.
func (v *view) generationPrefix(generation int64) []byte {
	return appendNumber(v.keyAt(nil, 'D', v.call.Incarnation), generation)
}

// now returns the database's time in the form in which records have it.
func (v *view) now() time.Time { return v.Now().Round(0).UTC() }

// mustLive returns fault.Conflict if the incarnation of the tenant was deleted.
func (v *view) mustLive() error {
	if v.ended {
		return fault.New(fault.Conflict, "this incarnation of the tenant was deleted")
	}
	return nil
}

// conversation returns the conversation with the id, or nil.
func (v *view) conversation(id string) (*conversation, error) {
	if v.ended {
		return nil, nil
	}
	b, err := v.Get(v.key('c', id))
	if b == nil || err != nil {
		return nil, err
	}
	return decodeConversation(b)
}

// own returns the conversation of the call, or nil. It is valid until the call returns, or calls own again.
func (x *change) own() (*conversation, error) {
	if x.ended {
		return nil, nil
	}
	b, err := x.Get(x.key('c', x.call.Conversation))
	if b == nil || err != nil {
		return nil, err
	}
	return &x.ownTalk, x.ownTalk.decode(b)
}

// visible returns the conversation with the id. It returns fault.NotFound if there is none, or if
// owned is set and the conversation does not belong to the call's user.
func (v *view) visible(id string, owned bool) (*conversation, error) {
	c, err := v.conversation(id)
	if err == nil && (c == nil || owned && c.user != v.call.User) {
		err = fault.New(fault.NotFound, "there is no such conversation")
	}
	return c, err
}

// add makes a new conversation with the id and the user of the call. The caller saves it.
func (x *change) add(now time.Time) (*conversation, error) {
	c := &conversation{cid: strings.ToLower(rand.Text()[:20]), id: x.call.Conversation, user: x.call.User, created: now, updated: now}
	if c.user == "" {
		return c, nil
	}
	return c, x.tx.Put(x.key('u', c.user, c.id), []byte{1})
}

// save writes the conversation's record.
func (x *change) save(c *conversation) error {
	x.record = c.encode(x.record[:0])
	return x.tx.Put(x.key('c', c.id), x.record)
}

// talk returns the prefix of the keys with a tag that belong to an incarnation of a conversation.
func (v *view) talk(cid string, tag byte) []byte {
	return append(v.key('t', cid), tag)
}

// turnKey returns the key of a turn (tag n), of a retraction (r) or of a run of live turns (s).
func (v *view) turnKey(cid string, tag byte, sequence int64) []byte {
	return appendNumber(v.talk(cid, tag), sequence)
}

func (v *view) turn(cid string, sequence int64) (*turn, error) {
	b, err := v.turnRecord(v.turnKey(cid, 'n', sequence))
	if err != nil {
		return nil, err
	}
	return decodeTurn(b)
}

// turnRecord returns the record of the turn with the key.
func (v *view) turnRecord(key []byte) ([]byte, error) {
	b, err := v.Get(key)
	if err == nil && b == nil {
		err = fault.New(fault.Internal, "turn %d is not in the database", lastNumber(key)).By(fault.PartyPlugin)
	}
	return b, err
}

func (x *change) putTurn(cid string, t *turn) error {
	x.record = t.encode(x.record[:0])
	return x.tx.Put(x.turnKey(cid, 'n', t.Sequence), x.record)
}

// check returns the context's error, or else the validation error of a request. Every call begins
// with check, so that a canceled call changes nothing.
func check(ctx context.Context, wrong error) error {
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	return wrong
}

// entries calls f for all keys with the prefix, in order.
func (v *view) entries(prefix []byte, f func(key, value []byte) (bool, error)) error {
	return v.Scan(prefix, after(prefix), false, f)
}

// bodiesOf returns the messages without their texts, because the storage does not keep these.
func bodiesOf(messages []storage.Message) []storage.Message {
	out := make([]storage.Message, len(messages))
	for i, m := range messages {
		out[i].Body = m.Body
	}
	return out
}
