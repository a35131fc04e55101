package storagekit

import (
	"bytes"
	"slices"
)

// endGeneration makes all data of the incarnation invisible. An incarnation with a name takes no writes
// afterwards. The incarnation without a name begins again with a new generation.
func (x *change) endGeneration() error {
	if !x.ended {
		if err := x.forgetTenant(); err != nil {
			return err
		}
	}
	x.current++
	x.ended = x.ended || x.call.Incarnation != ""
	x.followed = false
	x.prefix = x.generationPrefix(x.current)
	return x.tx.Put(x.generationKey(), x.generation.encode())
}

// sweepGenerations deletes what is left of earlier generations, as far as the budget allows.
func (x *change) sweepGenerations(b *budget) error {
	for ; x.oldest < x.current; x.oldest++ {
		done, err := x.sweepGeneration(x.generationPrefix(x.oldest), b)
		if err != nil {
			return err
		}
		if !done {
			break
		}
	}
	return x.tx.Put(x.generationKey(), x.generation.encode())
}

// sweepGeneration deletes the keys of a generation, as far as the budget allows. done reports whether
// none is left.
func (x *change) sweepGeneration(prefix []byte, b *budget) (done bool, err error) {
	talks := append(slices.Clone(prefix), 't')
	for {
		var first []byte
		err := x.entries(talks, func(k, _ []byte) (bool, error) {
			first = k
			return false, nil
		})
		if err != nil {
			return false, err
		}
		if first == nil {
			break
		}
		_, rest := cutText(first[len(talks):])
		done, err := x.sweepTalk(first[:len(first)-len(rest)], b)
		if !done || err != nil {
			return false, err
		}
		b.Conversations++
	}
	var keys [][]byte
	err = x.entries(prefix, func(k, value []byte) (bool, error) {
		keys = append(keys, k)
		if !bytes.HasPrefix(k[len(prefix):], []byte{'c'}) {
			return true, nil
		}
		c, err := decodeConversation(value)
		if err == nil && c.sequence == 0 {
			b.Conversations++ // one without turns
		}
		return err == nil, err
	})
	for _, k := range keys {
		if err == nil {
			err = x.tx.Delete(k)
		}
	}
	return true, err
}
