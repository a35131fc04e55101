package memdb

import (
	"bytes"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/storagekit"
)

// tx is a transaction. The partition is locked.
type tx struct {
	db        *DB
	partition string
	part      *part
	grown     int64
	// old has what the transaction has replaced, in order. A nil value stands for a key without a
	// value. few has room for the usual number of them.
	old []entry
	few [6]entry
}

// txs has the transactions of updates that have returned, for their memory.
var txs = sync.Pool{New: func() any { return new(tx) }}

func (t *tx) Now() time.Time { return t.db.o.Now() }

func (t *tx) Get(key []byte) ([]byte, error) {
	return t.part.get(key), nil
}

func (t *tx) GetShared(key []byte) ([]byte, error) {
	if t.partition == storagekit.Shared {
		return t.Get(key)
	}
	p, err := t.db.known(storagekit.Shared)
	if err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.get(key), nil
}

func (t *tx) Scan(from, to []byte, reverse bool, f func(key, value []byte) (bool, error)) (err error) {
	visit := func(p place) bool {
		var more bool
		more, err = f(p.key, p.value)
		return more && err == nil
	}
	if !reverse {
		t.part.inOrder.AscendRange(place{key: from}, place{key: to}, visit)
		return err
	}
	t.part.inOrder.DescendLessOrEqual(place{key: to}, func(p place) bool {
		switch {
		case bytes.Equal(p.key, to):
			return true
		case bytes.Compare(p.key, from) < 0:
			return false
		}
		return visit(p)
	})
	return err
}

func (t *tx) Put(key, value []byte) error {
	value = append([]byte{}, value...)
	e := t.part.byKey[string(key)]
	if e == nil {
		e = newEntry(key, value)
		t.part.add(e)
		t.grown += e.size()
		t.old = append(t.old, entry{key: e.key})
		return nil
	}
	t.grown += int64(len(value) - len(e.value))
	t.old = append(t.old, *e)
	e.value = value
	return nil
}

func (t *tx) Delete(key []byte) error {
	if e := t.part.byKey[string(key)]; e != nil {
		t.part.remove(e)
		t.grown -= e.size()
		t.old = append(t.old, *e)
	}
	return nil
}

// undo restores what the transaction has replaced.
func (t *tx) undo() {
	for n := len(t.old) - 1; n >= 0; n-- {
		old := t.old[n]
		e := t.part.byKey[old.text()]
		switch {
		case old.value == nil:
			t.part.remove(e)
		case e != nil:
			e.value = old.value
		default:
			t.part.add(&old)
		}
	}
}
