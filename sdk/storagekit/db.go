package storagekit

import (
	"context"
	"time"
)

// DB is an ordered key-value store with transactions. Any number of goroutines may use a DB.
//
// The keys of a partition are independent of those of other partitions. Transactions of one partition
// are serializable: they have the same effect as if they ran one after another. A Store names each
// tenant's partition by the tenant's id, and the shared partition by Shared. A partition that has no
// keys yet reads as empty.
//
// Keys and values are any bytes. A key has less than MaxKeyBytes, if the ids in the calls keep their
// bounds. The largest value is a turn, of sdk.MaxTurnBytes and some kilobytes. A turn's transactions
// write about ten keys. Those of imports, branches and deletions write a few keys for each turn that they
// are about, and a deletion with a limit at most that many. The first claim of a store key writes one key for
// each conversation of the tenant.
type DB interface {
	// Update calls f with a transaction that reads and writes the partition, and commits it if f
	// returns nil. When Update returns nil, the writes outlive a crash as far as any do, and every later
	// transaction sees them. Update returns the error of f unchanged, and then nothing has changed. If
	// the commit conflicts with another transaction, Update calls f again. f does nothing but call its
	// Tx, on one goroutine, so that it may be called any number of times.
	//
	// Update may give up when ctx ends and nothing is committed yet. Its own errors are of package fault:
	// fault.PluginUnavailable if the database cannot be reached, for example.
	Update(ctx context.Context, partition string, f func(Tx) error) error
	// View calls f with a consistent state of the partition, which has the writes of every Update that
	// has returned before. It may call f again. It returns the error of f unchanged. Its own errors are
	// those of Update.
	View(ctx context.Context, partition string, f func(Reader) error) error
}

// MaxKeyBytes bounds the length of a key.
const MaxKeyBytes = 2 << 10

// Shared names the partition of the leases of holders. Transactions of other partitions only read it.
const Shared = ""

// Reader reads a partition. It is valid until the function that got it returns, and used by one
// goroutine. Keys and values that it returns are not changed by anyone, and stay valid after the
// transaction: a DB that reuses its buffers returns copies. The Store returns errors of a Reader
// unchanged, so they are of package fault.
type Reader interface {
	// Now returns the database's time, by which leases end. It must not differ between processes that
	// share the database: one that several processes use asks the server for it. It may be the time at
	// which the transaction began.
	Now() time.Time
	// Get returns the value of the key, or nil if the key has no value. The value of a key that was put
	// is never nil, also if it is empty. Get does not keep the key.
	Get(key []byte) ([]byte, error)
	// Scan calls f for the keys from from (inclusive) to to (exclusive) in their byte order, or in the
	// reverse order if reverse is true, until f returns false or an error. The error is returned. f
	// does not change the partition, and may call Get. A Scan that reads to its end counts for the
	// serializability of the transaction: another transaction that adds a key in between conflicts. Scan
	// does not keep from and to.
	Scan(from, to []byte, reverse bool, f func(key, value []byte) (more bool, err error)) error
	// GetShared returns the value of a key of the partition Shared. What it returns counts for the
	// serializability of the transaction like the result of Get, or is at most as old as the
	// transaction.
	GetShared(key []byte) ([]byte, error)
}

// Tx reads and writes a partition. What it has written, its reads see.
type Tx interface {
	Reader
	// Put sets the value of the key. The DB keeps neither slice.
	Put(key, value []byte) error
	// Delete removes the key. It does nothing if the key has no value. The DB does not keep the key.
	Delete(key []byte) error
}
