package memstore

import (
	"maps"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// keys has the idempotency keys of one conversation that were used within the last
// [storage.KeyTTL].
type keys struct {
	byName map[string]key
	order  []keyUse // all uses of keys, oldest first
}

type key struct {
	digest []byte
	turn   *turn // the newest turn that was started with the key
	at     time.Duration
}

type keyUse struct {
	name string
	at   time.Duration
}

// find returns the key with the given name. It first drops keys that are older than
// [storage.KeyTTL].
func (k *keys) find(name string, elapsed time.Duration) (key, bool) {
	old := 0
	for old < len(k.order) && elapsed-k.order[old].at >= storage.KeyTTL {
		if a := k.order[old]; k.byName[a.name].at == a.at {
			delete(k.byName, a.name)
		}
		old++
	}
	if k.order = k.order[old:]; len(k.order) == 0 {
		// The garbage collector can then free the array of order.
		k.order = nil
	}
	found, ok := k.byName[name]
	return found, ok
}

// drop drops the keys whose newest turn satisfies gone.
func (k *keys) drop(gone func(*turn) bool) {
	k.order = slices.DeleteFunc(k.order, func(a keyUse) bool { return gone(k.byName[a.name].turn) })
	maps.DeleteFunc(k.byName, func(_ string, found key) bool { return gone(found.turn) })
}

// add records that the turn t was started with the key. It does nothing if the name is empty.
func (k *keys) add(name string, digest []byte, t *turn, elapsed time.Duration) {
	if name == "" {
		return
	}
	if k.byName == nil {
		k.byName = make(map[string]key)
	}
	k.byName[name] = key{digest: digest, turn: t, at: elapsed}
	k.order = append(k.order, keyUse{name: name, at: elapsed})
}
