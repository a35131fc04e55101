// Package memdb is a storagekit.DB in the memory of its process. The plugin storage-memory and tests use
// it. Its data is lost at the end of the process.
//
//	memdb.go  DB and its partitions, which Close drops
//	tx.go     transactions and their undoing
package memdb

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/google/btree"
)

// Options are the settings of a DB. The zero value has no bound and the clock of the process.
type Options struct {
	Now func() time.Time // nil means time.Now
	// Changed is called when a transaction, or Close, has changed the size of a partition. bytes is the
	// difference, which may be negative. The partition is locked meanwhile, so Changed must not call
	// View or Update for it. Changed may be nil.
	Changed func(partition string, bytes int64)
}

// DB keeps partitions in memory. A transaction locks its partition. It is safe for concurrent use,
// except that Close follows the last Update.
type DB struct {
	o      Options
	mu     sync.Mutex // guards parts and closed
	parts  map[string]*part
	closed bool
}

var _ storagekit.DB = (*DB)(nil)

// part is a partition. Both byKey and inOrder have all its entries. byKey finds a single key in a
// fraction of the time that inOrder needs. Scans use inOrder.
type part struct {
	mu      sync.RWMutex
	byKey   map[string]*entry
	inOrder *btree.BTreeG[place]
	size    atomic.Int64
}

// entry is a key with its value. The bytes of both never change. A new value has new bytes.
type entry struct {
	key   []byte
	value []byte // never nil, because Get returns nil for a key without a value
}

// shortKey is the length up to which a key is next to its entry. Most keys of a storage are shorter.
const shortKey = 64

// newEntry returns an entry with a copy of the key.
func newEntry(key, value []byte) *entry {
	if len(key) > shortKey {
		return &entry{bytes.Clone(key), value}
	}
	e := &struct {
		entry
		room [shortKey]byte
	}{}
	e.key, e.value = append(e.room[:0], key...), value
	return &e.entry
}

// text returns the key as a text that shares its bytes.
func (e *entry) text() string { return unsafe.String(unsafe.SliceData(e.key), len(e.key)) }

// place is an entry of the tree, ordered by its key. A bound of a scan is a place whose entry is nil.
type place struct {
	key []byte
	*entry
}

// entryBytes is about how many bytes an entry takes in addition to its key and its value.
const entryBytes = 128

func (e *entry) size() int64 { return entryBytes + int64(len(e.key)+len(e.value)) }

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
		return nil, errClosed()
	}
	p := d.parts[name]
	if p == nil {
		p = newPart()
		d.parts[name] = p
	}
	return p, nil
}

func errClosed() error { return fault.New(fault.Internal, "the store is closed") }

// check returns an error if the partition was dropped, because the DB was closed. The partition is
// locked.
func (p *part) check() error {
	if p.byKey == nil {
		return errClosed()
	}
	return nil
}

func newPart() *part {
	return &part{byKey: map[string]*entry{}, inOrder: btree.NewG(32, func(a, b place) bool { return bytes.Compare(a.key, b.key) < 0 })}
}

// get returns the value of the key, or nil.
func (p *part) get(key []byte) []byte {
	if e := p.byKey[string(key)]; e != nil {
		return e.value
	}
	return nil
}

func (p *part) add(e *entry) {
	p.byKey[e.text()] = e
	p.inOrder.ReplaceOrInsert(place{e.key, e})
}

func (p *part) remove(e *entry) {
	delete(p.byKey, e.text())
	p.inOrder.Delete(place{key: e.key})
}

// known returns the partition with the name, or an empty one that is not of the DB. It returns an
// error after Close.
func (d *DB) known(name string) (*part, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed()
	}
	if p := d.parts[name]; p != nil {
		return p, nil
	}
	return newPart(), nil
}

// Size returns about how many bytes the partition takes: 0 after Close.
func (d *DB) Size(partition string) int64 {
	p, err := d.known(partition)
	if err != nil {
		return 0
	}
	return p.size.Load()
}

// Close drops all partitions. It waits for the transactions that run. A call that comes later, or that
// still waits for its partition, fails. Close always returns nil.
func (d *DB) Close() error {
	d.mu.Lock()
	parts := d.parts
	d.parts, d.closed = nil, true
	d.mu.Unlock()
	for name, p := range parts {
		p.mu.Lock()
		d.changed(name, -p.size.Swap(0))
		p.byKey = nil
		p.inOrder.Clear(false)
		p.mu.Unlock()
	}
	return nil
}

// changed reports a change of the size of a partition to Options.Changed.
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
	return d.update(partition, p, f)
}

// update is Update of the partition p, which Close may have dropped meanwhile.
func (d *DB) update(partition string, p *part, f func(storagekit.Tx) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check(); err != nil {
		return err
	}
	t := txs.Get().(*tx)
	t.db, t.partition, t.part = d, partition, p
	t.old = t.few[:0]
	done := false
	defer func() {
		if !done { // an error or a panic
			t.undo()
		}
		*t = tx{}
		txs.Put(t)
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
	p, err := d.known(partition)
	if err != nil {
		return err
	}
	return d.view(partition, p, f)
}

// view is View of the partition p, which Close may have dropped meanwhile.
func (d *DB) view(partition string, p *part, f func(storagekit.Reader) error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if err := p.check(); err != nil {
		return err
	}
	return f(&tx{db: d, partition: partition, part: p})
}
