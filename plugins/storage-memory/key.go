package memstore

import (
	"maps"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// keys are a conversation's idempotency keys of the last [storage.KeyTTL].
type keys struct {
	byName map[string]key
	order  []aged // oldest first; a key that was attempted again is there again
}

type key struct {
	digest []byte
	turn   *turn // the last attempt
	at     time.Duration
}

type aged struct {
	name string
	at   time.Duration
}

// find drops what is too old, then looks for the key.
func (k *keys) find(name string, elapsed time.Duration) (key, bool) {
	old := 0
	for old < len(k.order) && elapsed-k.order[old].at >= storage.KeyTTL {
		if a := k.order[old]; k.byName[a.name].at == a.at {
			delete(k.byName, a.name)
		}
		old++
	}
	if k.order = k.order[old:]; len(k.order) == 0 {
		k.order = nil // lets go of the array
	}
	found, ok := k.byName[name]
	return found, ok
}

// forget drops the keys of turns that are gone, and their names.
func (k *keys) forget(gone func(*turn) bool) {
	k.order = slices.DeleteFunc(k.order, func(a aged) bool { return gone(k.byName[a.name].turn) })
	maps.DeleteFunc(k.byName, func(_ string, found key) bool { return gone(found.turn) })
}

// add makes t the key's attempt. The empty name is no key.
func (k *keys) add(name string, digest []byte, t *turn, elapsed time.Duration) {
	if name == "" {
		return
	}
	if k.byName == nil {
		k.byName = make(map[string]key)
	}
	k.byName[name] = key{digest: digest, turn: t, at: elapsed}
	k.order = append(k.order, aged{name: name, at: elapsed})
}
