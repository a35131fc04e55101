// Package sqlitestore is the storage plugin "sqlite". It keeps conversations, and the registered
// tenants of a host that names it for them, in one file of the machine it runs on. It is the
// durable default for one machine. Several hosts that share a database use storage-postgres.
//
// # Files
//
// The plugin:
//
//	plugin.go             name, version, capabilities and configuration
//	path.go               which path a configuration may name, and where it is
//	store.go              Store, Open and Close; how a call reads or writes
//
// Conversations, one file for each call:
//
//	begin.go              Begin: started, replay, busy, key reused; interrupts an expired turn
//	commit.go             Commit
//	fence.go              the text that stands for a running turn
//	lease.go              Renew; when a lease ends
//	page.go               Read and List
//	delete.go             Delete: unlinks first, then sweeps in steps
//	delete_user.go        empties a user's turns in conversations that stay
//	import.go             Import
//	conversation.go       the rows of conversations and of tenants' incarnations
//	turn_row.go           a row of the table turns to and from a turn; times and JSON
//
// Registered tenants:
//
//	tenant_store.go       PutTenant, GetTenants, ListTenants, TenantHistory, TenantChanges
//	tenant_watch.go       WatchTenants, and how often it checks for other processes
//	notifier.go           wakes the watches of this Store
//
// The database:
//
//	writer.go             the one goroutine that writes: which writes share a commit
//	readers.go            the sessions for reading
//	session.go            one connection with its prepared statements
//	open.go               opens a session: pragmas, write-ahead log, databases of other programs
//	create.go             creates folder and file, or checks that it could
//	file.go               notices that the file was replaced or is missing, and what happens then
//	pin_linux.go          keeps inode numbers from being used again; pin_other.go elsewhere
//	migration.go          schema versions: Migrate, expand and contract
//	migrations/           the SQL of each schema version
//	retry_busy.go         how long a lock of another process is waited for
//	failure.go            which fault an error of SQLite is; how often it is logged
//	transient_errno_unix.go  which errors of the system may pass; transient_errno_other.go elsewhere
//	janitor.go            in the background: finishes deletions, empties the write-ahead log
//	backup.go             Backup
//
// Tests are named as the files. process_test.go runs the test binary as other processes of the
// plugin, cost_test.go counts pages, and statements_test.go looks at query plans.
//
// # Whose data is where
//
// The key path names the file, by default botyard.db, in the folder that the host gives the
// plugin. Nothing outside of that folder can be named, nor the files that SQLite keeps beside a
// database. All tenants with the same path share the file. The tenant of each call is part of
// every query. In a process of one tenant (isolation = "tenant") the folder is that tenant's
// alone. Only the host's user can read the file.
//
// Several instances and several processes may have the file open. All promises hold across them.
// They must be on one machine: SQLite's locks and shared memory do not work over a network file
// system. A file system without shared memory is refused.
//
// An operator may look into the file at any time:
//
//	sqlite3 -readonly botyard.db 'SELECT * FROM said ORDER BY started DESC LIMIT 20'
//
// Messages are JSON, times are nanoseconds since 1970; migrations/1.sql
// describes the rest. Text with NUL in it is refused. Copy the database with sqlite3's .backup or
// VACUUM INTO. A copy of the file alone lacks what is new: that is in botyard.db-wal beside it.
//
// # What a crash leaves
//
// A write is on the disk before its call returns: the log is synced first. When a process is
// killed, or the machine loses power, the file has every write that returned. It may also have
// writes that were about to return. Nothing has to be repaired by hand. Leases are measured by the
// machine's clock and outlive the process. So the running turn of a dead host is interrupted by
// the next Begin after its lease has ended. A deletion that was cut short is finished by a repeat,
// or an hour later by the janitor of any Store that has the file open.
//
// # Trouble
//
// A full or failing disk, a lock that another program keeps, a file that cannot be written and a
// lack of memory are fault.ProviderFailed with the host as party. Either the call had no effect,
// or a repeat returns its result. Later calls work as soon as the cause is gone, without a
// restart. A damaged file is fault.Internal, and retrying does not help. A path that can never
// work, for example because the file belongs to another program, is fault.Invalid when the
// instance is opened.
//
// A file has its schema version and that of the oldest plugin that may use it. A newer plugin
// expands the file when it opens it, and older plugins still work. Migrate with Contract removes
// what only older plugins need. They refuse the file from then on.
//
// # Cost
//
// One goroutine writes. It commits waiting writes together, up to 128 at a time, with one sync of
// the disk. Each write is in a savepoint of its own and fails alone. So a turn costs two syncs,
// and many callers share them. Begin and Commit write about three pages each, however long the
// conversation is and however many tenants there are. The tail is read backwards from its end by
// one index. Keys, leases and conversations are found by other indexes. Readers see the last
// commit and do not wait.
//
// Deleting a tenant marks one row. Conversations of a user, and old ones, are marked a thousand at
// a time. Then a hundred turns at a time are removed, so that other tenants' writes get in
// between. Removed text is overwritten with zeros, and the log that may still have it is emptied
// a second later. The file does not get smaller. Its free pages are used again, and VACUUM gives
// them back.
package sqlitestore
