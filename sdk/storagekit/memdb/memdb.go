// Package memdb is a storagekit.DB in the memory of its process. The plugin storage-memory uses it,
// and so do tests. What it has is lost at the end of the process.
//
//	memdb.go  DB: partitions, transactions and their undoing
package memdb

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/google/btree"
)

// Options are the settings of a DB. The zero value has no bound and the clock of the process.
type Options struct {
	Now func() time.Time // nil means time.Now
	// Changed is called after a transaction has changed the size of a partition by so many bytes. It
	// may be nil.
	Changed func(partition string, bytes int64)
}

// DB keeps partitions in memory. A transaction locks its partition. It is safe for concurrent use.
type DB struct {
	o      Options
	mu     sync.Mutex // guards parts and closed
	parts  map[string]*part
	closed bool
}

var _ storagekit.DB = (*DB)(nil)

// part is a partition.
type part struct {
	mu   sync.RWMutex
	tree *btree.BTreeG[item]
	size atomic.Int64
}

type item struct{ key, value []byte }

// itemBytes is about how many bytes an entry takes beside its key and its value.
const itemBytes = 64

func (i item) size() int64 { return itemBytes + int64(len(i.key)+len(i.value)) }

// New returns an empty DB.
func New(o Options) *DB {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &DB{o: o, parts: map[string]*part{}}
}

// part returns the partition with the name. It returns an error after Close.
func (d *DB) part(name string) (*part, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fault.New(fault.Internal, "the store is closed")
	}
	p := d.parts[name]
	if p == nil {
		p = newPart()
		d.parts[name] = p
	}
	return p, nil
}

func newPart() *part {
	return &part{tree: btree.NewG(32, func(a, b item) bool { return bytes.Compare(a.key, b.key) < 0 })}
}

// known returns the partition with the name, or an empty one that is not of the DB.
func (d *DB) known(name string) *part {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.parts[name]; p != nil {
		return p
	}
	return newPart()
}

// Size returns about how many bytes the partition takes.
func (d *DB) Size(partition string) int64 { return d.known(partition).size.Load() }

// Close drops all partitions. It always returns nil.
func (d *DB) Close() error {
	d.mu.Lock()
	parts := d.parts
	d.parts, d.closed = nil, true
	d.mu.Unlock()
	for name, p := range parts {
		p.mu.Lock()
		d.changed(name, -p.size.Swap(0))
		p.tree.Clear(false)
		p.mu.Unlock()
	}
	return nil
}

func (d *DB) changed(partition string, bytes int64) {
	if d.o.Changed != nil && bytes != 0 {
		d.o.Changed(partition, bytes)
	}
}

// Update implements storagekit.DB. It calls f once.
func (d *DB) Update(_ context.Context, partition string, f func(storagekit.Tx) error) error {
	p, err := d.part(partition)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &tx{db: d, part: p}
	t.old = t.few[:0]
	done := false
	defer func() {
		if !done { // an error or a panic
			t.undo()
		}
	}()
	if err := f(t); err != nil {
		return err
	}
	done = true
	p.size.Add(t.grown)
	d.changed(partition, t.grown)
	return nil
}

// View implements storagekit.DB. It calls f once.
func (d *DB) View(_ context.Context, partition string, f func(storagekit.Reader) error) error {
	p := d.known(partition)
	p.mu.RLock()
	defer p.mu.RUnlock()
	return f(&tx{db: d, part: p})
}

// tx is a transaction. The partition is locked.
type tx struct {
	db    *DB
	part  *part
	grown int64
	// old has what the transaction has replaced, in order. A nil value stands for a key without a
	// value. few has room for the usual number of them.
	old []item
	few [6]item
}

func (t *tx) Now() time.Time { return t.db.o.Now() }

func (t *tx) Get(key []byte) ([]byte, error) {
	i, _ := t.part.tree.Get(item{key: key})
	return i.value, nil
}

func (t *tx) GetShared(key []byte) ([]byte, error) {
	p := t.db.known(storagekit.Shared)
	if p == t.part {
		return t.Get(key)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	i, _ := p.tree.Get(item{key: key})
	return i.value, nil
}

func (t *tx) Scan(from, to []byte, reverse bool, f func(key, value []byte) (bool, error)) (err error) {
	visit := func(i item) bool {
		var more bool
		more, err = f(i.key, i.value)
		return more && err == nil
	}
	if !reverse {
		t.part.tree.AscendRange(item{key: from}, item{key: to}, visit)
		return err
	}
	t.part.tree.DescendLessOrEqual(item{key: to}, func(i item) bool {
		switch {
		case bytes.Equal(i.key, to):
			return true
		case bytes.Compare(i.key, from) < 0:
			return false
		}
		return visit(i)
	})
	return err
}

func (t *tx) Put(key, value []byte) error {
	both := append(append(make([]byte, 0, len(key)+len(value)), key...), value...)
	// A value is never nil, so that Get tells an empty value from none.
	i := item{both[:len(key):len(key)], both[len(key):]}
	old, there := t.part.tree.ReplaceOrInsert(i)
	t.grown += i.size()
	if there {
		t.grown -= old.size()
	} else {
		old = item{key: i.key}
	}
	t.old = append(t.old, old)
	return nil
}

func (t *tx) Delete(key []byte) error {
	if old, there := t.part.tree.Delete(item{key: key}); there {
		t.grown -= old.size()
		t.old = append(t.old, old)
	}
	return nil
}

// undo restores what the transaction has replaced.
func (t *tx) undo() {
	for n := len(t.old) - 1; n >= 0; n-- {
		if i := t.old[n]; i.value == nil {
			t.part.tree.Delete(i)
		} else {
			t.part.tree.ReplaceOrInsert(i)
		}
	}
}
