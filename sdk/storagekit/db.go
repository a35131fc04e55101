package storagekit

import (
	"context"
	"time"
)

// DB is an ordered key-value store with transactions. Any number of goroutines may use a DB.
//
// The keys of a partition are independent of those of other partitions. Transactions of one partition
// are serializable: they have the same effect as if they ran one after another. A Store names each
// tenant's partition by the tenant's id, and the shared partition by Shared.
type DB interface {
	// Update calls f with a transaction that reads and writes the partition, and commits it if f
	// returns nil. It returns the error of f unchanged, and then nothing has changed. If the commit
	// conflicts with another transaction, Update calls f again. Its other errors are of package fault.
	Update(ctx context.Context, partition string, f func(Tx) error) error
	// View calls f with a consistent state of the partition. It may call f again.
	View(ctx context.Context, partition string, f func(Reader) error) error
}

// Shared names the partition of the leases of holders. Transactions of other partitions only read it.
const Shared = ""

// Reader reads a partition. It is valid until the function that got it returns. Values that it
// returns must not be changed, and stay valid.
type Reader interface {
	// Now returns the database's time. It must not differ between processes that share the database.
	Now() time.Time
	// Get returns the value of the key, or nil if the key has no value.
	Get(key []byte) ([]byte, error)
	// Scan calls f for the keys from from (inclusive) to to (exclusive) in their byte order, or in the
	// reverse order if reverse is true, until f returns false or an error. The error is returned. f
	// does not change the partition.
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
	// Delete removes the key. It does nothing if the key has no value.
	Delete(key []byte) error
}
