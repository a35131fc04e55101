package storagekit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagetest"
)

// journal is a storagekit.DB in a file, for one process. Each commit is one line of the file, a JSON
// list of writes. All keys and values are also in memory. The file never shrinks.
type journal struct {
	mu    sync.Mutex // held by each transaction, so that they run one after another
	file  *os.File
	size  int64 // of the lines of all commits
	parts map[string]*partition
}

// partition has the values by their keys, and the keys in order.
type partition struct {
	keys   []string
	values map[string][]byte
}

// write is one write of a commit. A nil Value deletes the key.
type write struct {
	Partition  string
	Key, Value []byte
}

// openJournal reads the file, or makes it if there is none. It removes the last commit from the file if
// that is incomplete, because a crash interrupted it.
func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, parts: map[string]*partition{}}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j, file.Truncate(j.size)
		}
		var commit []write
		if err == nil {
			err = json.Unmarshal(line, &commit)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("line at byte %d of %s: %w", j.size, path, err), file.Close())
		}
		for _, w := range commit {
			j.apply(w)
		}
		j.size += int64(len(line))
	}
}

func (j *journal) Close() error { return j.file.Close() }

// apply makes a write in memory, and returns the one that undoes it.
func (j *journal) apply(w write) (undo write) {
	p := j.parts[w.Partition]
	if p == nil {
		p = &partition{values: map[string][]byte{}}
		j.parts[w.Partition] = p
	}
	key := string(w.Key)
	old, there := p.values[key]
	at, _ := slices.BinarySearch(p.keys, key)
	switch {
	case w.Value == nil && there:
		delete(p.values, key)
		p.keys = slices.Delete(p.keys, at, at+1)
	case w.Value != nil:
		p.values[key] = w.Value
		if !there {
			p.keys = slices.Insert(p.keys, at, key)
		}
	}
	return write{w.Partition, w.Key, old}
}

// Update implements storagekit.DB.
func (j *journal) Update(_ context.Context, partition string, f func(storagekit.Tx) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	tx := &journalTx{j: j, partition: partition}
	err := f(tx)
	if err == nil && len(tx.writes) > 0 {
		err = j.commit(tx.writes)
	}
	if err != nil {
		for _, w := range slices.Backward(tx.undo) {
			j.apply(w)
		}
	}
	return err
}

// commit appends the writes to the file.
func (j *journal) commit(writes []write) error {
	line, err := json.Marshal(writes)
	if err == nil {
		line = append(line, '\n')
		_, err = j.file.Write(line)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, j.file.Truncate(j.size))
		return fault.New(fault.PluginUnavailable, "the journal cannot be written: %w", err)
	}
	j.size += int64(len(line))
	return nil
}

// View implements storagekit.DB.
func (j *journal) View(_ context.Context, partition string, f func(storagekit.Reader) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return f(&journalTx{j: j, partition: partition})
}

// journalTx is a transaction. It makes each write in memory at once; an error undoes them.
type journalTx struct {
	j            *journal
	partition    string
	writes, undo []write
}

func (t *journalTx) Now() time.Time { return time.Now() }

func (t *journalTx) get(partition string, key []byte) []byte {
	if p := t.j.parts[partition]; p != nil {
		return p.values[string(key)]
	}
	return nil
}

func (t *journalTx) Get(key []byte) ([]byte, error) { return t.get(t.partition, key), nil }

func (t *journalTx) GetShared(key []byte) ([]byte, error) {
	return t.get(storagekit.Shared, key), nil
}

func (t *journalTx) Scan(from, to []byte, reverse bool, f func(key, value []byte) (bool, error)) error {
	p := t.j.parts[t.partition]
	if p == nil {
		return nil
	}
	first, _ := slices.BinarySearch(p.keys, string(from))
	end, _ := slices.BinarySearch(p.keys, string(to))
	for n := range end - first {
		i := first + n
		if reverse {
			i = end - 1 - n
		}
		if more, err := f([]byte(p.keys[i]), p.values[p.keys[i]]); !more || err != nil {
			return err
		}
	}
	return nil
}

func (t *journalTx) write(key, value []byte) error {
	w := write{t.partition, bytes.Clone(key), value}
	t.writes, t.undo = append(t.writes, w), append(t.undo, t.j.apply(w))
	return nil
}

func (t *journalTx) Put(key, value []byte) error { return t.write(key, append([]byte{}, value...)) }
func (t *journalTx) Delete(key []byte) error     { return t.write(key, nil) }

// A backend is a DB: here a journal in a file, of some 150 lines. New makes a storage of it.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := openJournal(filepath.Join(dir, "journal"))
	if err != nil {
		panic(err)
	}
	defer db.Close()
	store := storagekit.New(db, storagekit.Options{})

	ctx, call := context.Background(), sdk.Call{Tenant: "acme", Conversation: "c", User: "u"}
	begun, err := store.Begin(ctx, &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "hello")), Holder: "host-1", Lease: time.Minute,
	})
	if err != nil {
		panic(err)
	}
	number, err := store.Commit(ctx, &storage.CommitRequest{
		Call: call, Fence: begun.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hi")),
	})
	if err != nil {
		panic(err)
	}
	page, err := store.Read(ctx, &storage.ReadRequest{Call: call, Limit: 10})
	if err != nil {
		panic(err)
	}
	fmt.Println(number, len(page.Turns), page.Turns[0].State)
	// Output: 1 1 succeeded
}

// TestNew_overAJournal checks the rules of storagetest for a Store over the DB of the example: all
// rules, or some of them with -short.
func TestNew_overAJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	t.Parallel()
	opts := []storagetest.Option{storagetest.Durable(), storagetest.Lease(200 * time.Millisecond), storagetest.Features(feature.Retract), storagetest.Short(),
		storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
			t.Logf("%-20s %6.0f ms  %v", r.Name, float64(took.Milliseconds()), err)
		})}
	if testing.Short() { // those that depend on the DB most
		opts = append(opts, storagetest.Only("turn", "fences", "tail", "writers", "renew", "key-replay", "list", "delete-steps", "retract", "import",
			"branch", "cursor-claim", "cursor-racing", "text", "restart", "restart-deletion"))
	}
	if err := storagetest.Test(t.Context(), func(context.Context) (storage.Storage, error) { return openStored(path) }, opts...); err != nil {
		t.Error(err)
	}
}

// TestJournal_halfACommit checks that openJournal removes an incomplete commit that a crash has left.
func TestJournal_halfACommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for i := range 3 {
		j, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		key := []byte{'k', byte('0' + i)}
		err = errors.Join(
			j.Update(t.Context(), "p", func(tx storagekit.Tx) error { return tx.Put(key, nil) }),
			j.View(t.Context(), "p", func(r storagekit.Reader) error {
				found := 0
				err := r.Scan([]byte("k"), []byte("l"), false, func([]byte, []byte) (bool, error) { found++; return true, nil })
				if found != i+1 {
					t.Errorf("opened %d times: %d keys", i+1, found)
				}
				return err
			}))
		if _, failed := j.file.WriteString(`[{"Partition":"p"`); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// stored is a Store that closes its journal.
type stored struct {
	*storagekit.Store
	*journal
}

func openStored(path string) (stored, error) {
	j, err := openJournal(path)
	if err != nil {
		return stored{}, err
	}
	return stored{storagekit.New(j, storagekit.Options{}), j}, nil
}
