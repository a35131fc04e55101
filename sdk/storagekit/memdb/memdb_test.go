package memdb

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/storagekit"
)

// TestDB_Update compares transactions of random steps with a map. Every third transaction fails, and
// then nothing has changed.
func TestDB_Update(t *testing.T) {
	var grown int64
	db := New(Options{Changed: func(_ string, bytes int64) { grown += bytes }})
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	failed := errors.New("failed")
	for n := range 3000 {
		next := maps.Clone(want)
		err := db.Update(t.Context(), "p", func(tx storagekit.Tx) error {
			for range random.IntN(12) {
				k := strings.Repeat("k", []int{0, 1, 2, shortKey}[random.IntN(4)]) + string(rune('a'+random.IntN(20)))
				if random.IntN(3) == 0 {
					delete(next, k)
					if err := tx.Delete([]byte(k)); err != nil {
						return err
					}
					continue
				}
				value := strings.Repeat("v", random.IntN(4))
				next[k] = value
				key, v := []byte(k), []byte(value)
				if err := tx.Put(key, v); err != nil {
					return err
				}
				clear(key) // the DB keeps neither slice
				clear(v)
			}
			compare(t, tx, next)
			if n%3 == 0 {
				return failed
			}
			return nil
		})
		switch {
		case n%3 == 0 && !errors.Is(err, failed), n%3 > 0 && err != nil:
			t.Fatal(err)
		case n%3 > 0:
			want = next
		}
		if err := db.View(t.Context(), "p", func(r storagekit.Reader) error { compare(t, r, want); return nil }); err != nil {
			t.Fatal(err)
		}
		var size int64
		for k, v := range want {
			size += int64(entryBytes + len(k) + len(v))
		}
		if db.Size("p") != size || grown != size {
			t.Fatalf("the partition has %d bytes, and has grown by %d; want %d", db.Size("p"), grown, size)
		}
		if t.Failed() {
			t.Fatalf("transaction %d", n)
		}
	}
}

// compare checks that the reader has the keys and values of the map.
func compare(t *testing.T, r storagekit.Reader, want map[string]string) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(want))
	for c := byte('a'); c <= 'z'; c++ {
		value, ok := want[string(c)]
		if got, err := r.Get([]byte{c}); err != nil || string(got) != value || (got != nil) != ok {
			t.Errorf("%c has %q, %v; want %q, %t", c, got, err, value, ok)
		}
	}
	for _, reverse := range []bool{false, true} {
		from, to := []byte("b"), []byte("kd")
		var got, within []string
		if err := r.Scan(from, to, reverse, func(key, value []byte) (bool, error) {
			got = append(got, string(key)+"="+string(value))
			return true, nil
		}); err != nil {
			t.Error(err)
		}
		for _, k := range keys {
			if bytes.Compare([]byte(k), from) >= 0 && bytes.Compare([]byte(k), to) < 0 {
				within = append(within, k+"="+want[k])
			}
		}
		if reverse {
			slices.Reverse(within)
		}
		if !slices.Equal(got, within) {
			t.Errorf("the scan, reverse %t, found %q; want %q", reverse, got, within)
		}
	}
}

// TestDB_Close checks that calls fail after Close, also those that found their partition before, and that
// a transaction that runs meanwhile does not take the shared partition for empty.
func TestDB_Close(t *testing.T) {
	put := func(tx storagekit.Tx) error { return tx.Put([]byte("a"), []byte("b")) }
	read := func(r storagekit.Reader) error { _, err := r.Get([]byte("a")); return err }
	var grown int64
	db := New(Options{Changed: func(_ string, bytes int64) { grown += bytes }})
	for _, partition := range []string{"p", storagekit.Shared} {
		if err := db.Update(t.Context(), partition, put); err != nil {
			t.Fatal(err)
		}
	}
	p, err := db.part("p")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	calls := map[string]error{}
	if err := db.Update(t.Context(), "p", func(tx storagekit.Tx) error {
		go func() { closed <- db.Close() }() // it waits for this transaction
		for db.Size(storagekit.Shared) != 0 {
			time.Sleep(time.Millisecond)
		}
		_, calls["a transaction that runs"] = tx.GetShared([]byte("a"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	calls["an update that found the partition"] = db.update("p", p, put)
	calls["a view that found the partition"] = db.view("p", p, read)
	calls["a later update"] = db.Update(t.Context(), "p", put)
	calls["a later view"] = db.View(t.Context(), "p", read)
	for name, err := range calls {
		if err == nil || !strings.Contains(err.Error(), "the store is closed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if grown != 0 {
		t.Errorf("a closed DB has %d bytes", grown)
	}
}
