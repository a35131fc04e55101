// Package sqlitestore is the storage plugin "sqlite". It keeps conversations in one SQLite file on the
// machine of the host. It can also be the tenant store of the host. It is the durable default for a
// single machine. Several hosts that share a database use the plugin storage-postgres.
//
// # Files
//
// The plugin:
//
//	plugin.go             name, version, features and configuration
//	path.go               which paths a configuration may name
//	store.go              Store, Open and Close; how a call reads or writes
//	check.go              Check: can the file be written, or created
//
// Conversations, one file for each call:
//
//	begin.go              Begin: started, replay, busy, key reused; interrupts an expired turn
//	commit.go             Commit
//	fence.go              the format of a fence
//	lease.go              Renew; when a lease expires
//	page.go               Read and List
//	delete.go             Delete: unlinks conversations first, then deletes their rows in steps
//	delete_user.go        empties a user's turns in conversations that other users wrote in too
//	import.go             Import
//	conversation.go       the rows of conversations and of tenants' incarnations
//	retract.go            retracts turns; the retractions after a cursor
//	branch.go             Branch: copies turns in steps, then makes the copy visible
//	claim.go              Claim: which cursors are behind or to be forgotten, and free
//	advance.go            Advance: moves a cursor, removes what was forgotten
//	store_keys.go         the bound of store keys: drops the cursors of one that nobody holds
//	follower.go           the rows of store keys; registers conversations for them
//	messages.go           converts the messages of a turn to columns and back
//	turn_row.go           converts rows of the table turns; times
//
// Registered tenants:
//
//	tenant_store.go       PutTenant, GetTenants, ListTenants, TenantHistory, TenantChanges
//	tenant_watch.go       WatchTenants, and how often it checks for changes by other processes
//	notifier.go           wakes the watches of this Store
//
// The database:
//
//	writer.go             the goroutine that writes, its queue and its session
//	write_transaction.go  runs queued writes: which of them share a transaction
//	readers.go            the sessions for reading
//	session.go            one connection with its prepared statements
//	open.go               opens a session: pragmas, write-ahead log, databases of other programs
//	create.go             creates the folder and the file, or checks whether that is possible
//	file.go               notices that the file was replaced or is missing
//	pin_linux.go          prevents the reuse of inode numbers; pin_other.go on other systems
//	migration.go          schema versions: Migrate, expand and contract
//	migrations/           the SQL of each schema version
//	retry_busy.go         how long a call waits for a lock of another process
//	failure.go            the faults for errors of SQLite, and how often they are logged
//	transient_errno_unix.go  which errors of the operating system may be temporary; transient_errno_other.go
//	                      on other systems
//	janitor.go            in the background: finishes deletions, empties the write-ahead log
//	backup.go             Backup
//
// Each test file is named after the file that it tests. process_test.go runs the test binary as other
// processes of the plugin, cost_test.go counts pages, and statements_test.go checks query plans.
//
// # Where the data is
//
// The key path names the file, by default botyard.db, in the folder that the host gives the plugin. A
// path cannot name a file outside of that folder, or a file that SQLite keeps beside a database. All
// tenants with the same path share the file. Every query has the tenant of its call as a condition. In
// a process of a single tenant (isolation = "tenant"), only that tenant uses the folder. Only the
// operating system user of the host can access the file.
//
// Several instances and several processes may have the file open at once. All promises of
// [storage.Storage] hold across them. The processes must run on one machine, because SQLite's locks
// and shared memory do not work over a network file system. The plugin refuses a file system without
// shared memory.
//
// An operator may read the file at any time:
//
//	sqlite3 -readonly botyard.db 'SELECT * FROM said ORDER BY started DESC LIMIT 20'
//
// Messages are stored as JSON, and times as nanoseconds since 1970. The comments of migrations/1.sql
// describe the tables. The plugin refuses text that contains NUL. An operator can copy the database
// with sqlite3's .backup or with VACUUM INTO. A plain copy of botyard.db is not sufficient, because it
// lacks the recent changes in botyard.db-wal.
//
// # What a crash leaves
//
// A call that writes returns after its write is on the disk, because SQLite first syncs the
// write-ahead log. When a process is killed or the machine loses power, the file has every write whose
// call has returned. It may also have writes whose calls had not yet returned. The file needs no manual
// repair. Leases are measured by the machine's clock and outlive the process. So after the lease of a
// dead host's turn has expired, the next Begin interrupts the turn. A repeated call finishes a deletion
// that a crash has interrupted. Without a repeat, the janitor of any Store on the file finishes the
// deletion after an hour.
//
// # Failures
//
// A call returns fault.ProviderFailed with the host as party when the disk is full or fails, when
// another program keeps a lock, when the file cannot be written, or when the machine has no memory
// left. Such a call had no effect, or a repeated call returns its result. Later calls work without a
// restart as soon as the cause is gone. A call on a damaged file returns fault.Internal, and a retry
// does not help. Open returns fault.Invalid for a path that can never work, for example because the
// file belongs to another program.
//
// A file stores its schema version and the schema version of the oldest plugin that may use it. A newer
// plugin expands the file when it opens it. Older plugins still work with the expanded file. Migrate
// with Contract removes what only older plugins need. Those plugins then refuse the file.
//
// Plugins of schema version 3 know no retractions, branches and cursors. For them a retracted turn is
// an interrupted one without a number. So they leave it out of tails and of Read, do not use its number
// again, and give no replay for its key. Their List counts it, and their exports have it as interrupted.
// Triggers see to cursors whichever plugin writes: a turn that ends makes the cursors of its
// conversation be behind, and a deletion makes them ones to be forgotten, in the same transaction.
//
// # Cost
//
// One goroutine writes. It runs up to 128 waiting writes in one transaction, with one sync of the disk.
// Each write has its own savepoint, so that a failed write does not affect other writes. A turn costs
// two syncs, which concurrent callers share. Begin and Commit write about three pages each. That number
// does not depend on the length of the conversation or the number of tenants. Begin reads the tail
// backwards by an index. Other indexes find idempotency keys, leases and conversations. Readers see the
// last commit and do not wait for the writer.
//
// A retraction writes the rows of the turns that it retracts, and reads one more. A Branch copies up to
// 100 turns, or 2 MiB, in a transaction. Claim reads no cursors that are caught up. The first Claim of
// a store key registers the tenant's conversations, up to 1000 in a transaction. Later ones register
// those that were made since.
//
// The deletion of a tenant marks one row. The deletion of a user or of old conversations marks up to
// 1000 conversations in a transaction. Then each transaction deletes up to 100 turns, so that other
// tenants' writes run between two transactions. SQLite overwrites deleted text with zeros, and the
// janitor empties the write-ahead log about a second later. The file does not get smaller. SQLite
// reuses its free pages, and VACUUM returns them to the file system.
package sqlitestore
