// Package sqlitestore is the storage plugin "sqlite": it keeps conversations, and the
// tenants of a host that names it for them, in one file of the machine it runs on. It
// is the durable default of one machine; several hosts that share a database want
// storage-postgres.
//
// # Whose data is where
//
// path names the file, botyard.db unless told, below the folder that the host gives
// the plugin; nothing outside of that can be named, nor what SQLite keeps beside a
// file. All tenants with the same path share the file and are told apart by the tenant
// of each call, which is a part of every query. In a process of one tenant (isolation =
// "tenant") the folder is that tenant's alone. The file can be read by the host's user
// only.
//
// Several instances and several processes may have the file open; all promises hold
// across them. They must be on one machine: SQLite's locks and its shared memory do not
// reach over a network file system, and one that has no shared memory is refused.
//
// An operator may look into the file at any time:
//
//	sqlite3 -readonly botyard.db 'SELECT * FROM said ORDER BY started DESC LIMIT 20'
//
// Messages are JSON, times are nanoseconds since 1970; layouts/1.sql says the rest. Text
// with NUL in it is refused. A copy is made with sqlite3's .backup or VACUUM INTO, not
// by copying the file alone: what is new is in the file beside it, botyard.db-wal.
//
// # What a crash leaves
//
// What was answered is on the disk: the log is synced before the answer. A process that
// is killed, and a machine that loses power, leave the file as it was after the last
// write that was answered, or after one that was about to be; nothing has to be mended
// by hand. Leases go by the machine's clock and outlive the process, so a turn that a
// dead host left is taken over once its lease ran out. A deletion that was cut off is
// finished by a repeat, or by whoever has the file open an hour later.
//
// # Trouble
//
// A full or failing disk, a lock that another program does not let go of, a file that
// must not be written and memory that ran out are fault.ProviderFailed of the host's:
// the call left nothing, or nothing that its repeat does not find, and a later one
// works as soon as the cause is gone, without a restart. A damaged file is
// fault.Internal; retrying does not help. A path that can never serve, which may also be
// the file of another program, is fault.Invalid when the instance is made.
//
// A file says which layout it has and what the oldest plugin is that may use it. A newer
// plugin expands the layout when it opens the file, and older ones work on; Migrate with
// finish takes away what only older ones need, and they refuse the file from then on.
//
// # Cost
//
// One goroutine writes. It commits the writes that wait together, up to 128 at a time,
// with one sync of the disk; each is in a savepoint of its own and fails alone. So one
// caller has to wait for two syncs in each turn, and many callers share them. Begin and
// Commit write about three pages each, however long the conversation is and however
// many tenants there are: the tail is read backwards from its end by one index, keys,
// leases and conversations by others. Readers see the last commit and wait for nobody.
//
// Deleting a tenant marks one row; users, and what is old, are marked in steps of a
// thousand conversations. What is out of reach is removed a hundred turns at a time, so
// that other tenants' writes get in between. Removed text is overwritten with zeros, and
// the log that may still have it is emptied a second later. The file does not get
// smaller; its free pages are used again, and VACUUM gives them back.
package sqlitestore
