package storagekit

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// maxLease bounds a lease, so that its end is a time that a record can have.
const maxLease = 100 * 365 * 24 * time.Hour

// expiredHolders is how many leases of holders that have ended a renewal deletes.
const expiredHolders = 16

func leaseEnd(now time.Time, lease time.Duration) time.Time { return now.Add(min(lease, maxLease)) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// The partition Shared has the leases that were renewed. The value of the key "l holder" is the end of the
// holder's lease. The keys "e time holder" have the holders in the order of the ends of their leases.

// Renew implements [storage.Renewer]. It also revives a lease that has ended, if no Begin has
// interrupted the turn yet.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := check(ctx, storage.ValidateRenewal(holders, lease)); err != nil {
		return err
	}
	return s.db.Update(ctx, Shared, func(tx Tx) error {
		now := tx.Now().Round(0).UTC()
		if err := dropExpired(tx, now); err != nil {
			return err
		}
		until := leaseEnd(now, lease)
		for _, h := range holders {
			k := key(nil, 'l', h)
			old, err := leaseIn(tx.Get(k))
			if err != nil {
				return err
			}
			if !until.After(old) {
				continue
			}
			if err := tx.Delete(key(appendNumber([]byte{'e'}, old.UnixNano()), '-', h)); err != nil {
				return err
			}
			e := encoder{}
			e.time(until)
			if err := tx.Put(k, e.b); err != nil {
				return err
			}
			if err := tx.Put(key(appendNumber([]byte{'e'}, until.UnixNano()), '-', h), []byte(h)); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropExpired deletes some leases that ended so long ago that no turn of their holders can be revived.
func dropExpired(tx Tx, now time.Time) error {
	var expired [][2][]byte
	err := tx.Scan([]byte{'e'}, appendNumber([]byte{'e'}, now.Add(-time.Hour).UnixNano()), false, func(k, v []byte) (bool, error) {
		expired = append(expired, [2][]byte{k, key(nil, 'l', string(v))})
		return len(expired) < expiredHolders, nil
	})
	for _, e := range expired {
		for _, k := range e {
			if err == nil {
				err = tx.Delete(k)
			}
		}
	}
	return err
}

// leaseIn returns the end of a lease in a value that Renew has written.
func leaseIn(value []byte, err error) (time.Time, error) {
	if value == nil || err != nil {
		return time.Time{}, err
	}
	d := decoder{b: value}
	return d.time(), d.err()
}

// held reports whether a turn runs in the conversation whose lease has not ended.
func (v *view) held(c *conversation, now time.Time) (bool, error) {
	if c.running == 0 || c.until.After(now) {
		return c.running != 0, nil
	}
	until, err := leaseIn(v.GetShared(key(nil, 'l', c.holder)))
	return until.After(now), err
}
