// Package pgstore is the storage plugin "postgres". It keeps conversations and registered
// tenants in a PostgreSQL database, version 14 or later, which any number of hosts share. The
// database is reached over TCP or a unix socket, directly or through a pooler such as PgBouncer
// in transaction mode.
//
// # Files
//
// The plugin and its configuration:
//
//	plugin.go             name, version and capabilities of the plugin
//	config.go             the keys of the configuration and their bounds
//	dsn.go                how keys and DSN become the driver's configuration; which hosts are allowed
//	tls.go                when TLS is used and what is verified
//	store.go              Store, Open and Close
//
// Conversations, one file for each call:
//
//	begin.go              Begin by the database's function: started, replay, busy, key reused
//	commit.go             Commit by the database's function
//	fastpath.go           Begin and Commit by a plain statement, for the usual case; the cache of numbers
//	batch.go              when calls of one tenant wait to share a transaction
//	tail.go               decodes the newest messages
//	fence.go              the text that stands for a running turn; "there is no such conversation"
//	lease.go              Renew
//	page.go               Read and List
//	delete.go             Delete: unlink first, then sweep in steps
//	import.go             Import
//
// Registered tenants:
//
//	tenant_store.go       PutTenant, GetTenants, ListTenants, TenantHistory, TenantChanges
//	tenant_watch.go       WatchTenants by LISTEN; when a watch cannot work
//
// How SQL is run:
//
//	pipeline.go           one round trip as one transaction: sets role and tenant; when it is tried again
//	statements.go         the SQL of all calls
//	turn_row.go           a row of the table turns to and from a turn; JSON
//	registration_row.go   a row of the table registrations to a registration
//	failure.go            which fault an error of the database is; when connections count as lost
//	log_limiter.go        how often the same failure is logged
//
// Before the first call, and when the schema has changed:
//
//	bootstrap.go          inspects and migrates a database once for all waiting calls
//	inspect.go            what is in the database; which databases and logins are refused
//	ownership.go          which owners of schema, tables and functions are trusted
//	role.go               the role botyard_app: when it is made and what it is granted
//	migration.go          schema versions: Migrate, expand and contract
//	schema_objects.go     which tables and functions are ours
//	migrations/           the SQL of each schema version: tables, functions, policies
//
// Connections:
//
//	pool.go               the pool: waiting, overflow, dropping what is lost, prepared statements
//	connection_share.go   how configurations divide the connections to one server
//	host_preference.go    which of several hosts is tried first
//	pooler.go             what PgBouncer's refusals mean
//	message_guard.go      bounds on what a server may send
//	tracked_conn.go       a connection that counts writes and reports its end
//
// Tests are named as the files. isolation_test.go, recovery_test.go, load_test.go and
// search_path_test.go test promises of the whole Store, and cluster_test.go starts the servers.
//
// # Whose data is where
//
// A [Store] is one instance, with one pool of connections. The host makes a Store for each
// distinct configuration. Tenants that inherit the same block share it. Two tenants with
// different logins have two pools, even in one database. All tables are in one schema, which is
// "botyard" by default:
//
//	conversations   one row for each conversation, with the turn that runs in it
//	turns           one row for each turn; message and replies are JSON
//	trash           deleted conversations that may have turns left
//	ended_lives     incarnations of tenants that take no writes any more
//	registrations   all kept versions of registered tenants
//	tenants         the newest version of each registered tenant
//	holders         renewed leases
//	registry        the newest position of a registration
//	layout          the schema version, see below
//
// Operators may read the tables with psql. The first six show no rows until a tenant is set,
// but to superusers:
//
//	begin;
//	select set_config('role', 'botyard_app', true), set_config('botyard.tenant', 'client-a', true);
//	select seq, state, message, replies from botyard.turns order by cid, seq;
//
// # Isolation
//
// Row-level security is enabled and forced on every table that has a tenant. A row is visible
// only while its tenant is set. Each call is one pipeline, which is sent at once and runs as one
// transaction. Its first statement sets role and tenant for this transaction. The other
// statements take the tenant from there and not from an argument. Nothing is set for a whole
// connection, so a pooler may give each transaction another one. Calls that read registrations
// of all tenants have a setting of their own. It opens these two tables for reading, and no
// others.
//
// The work is done as the role botyard_app, which cannot log in and to which row-level security
// applies. A superuser, or a login with CREATEROLE, makes it once for all databases of the
// server. A login that is neither a superuser nor has BYPASSRLS may also work as itself: it owns
// the tables, and forced row-level security applies to owners too. Logins that see all rows
// are refused.
//
// The owner of a schema, a table or a function decides what runs there with the login's rights.
// So the owner must be the login itself, a superuser, or a role that an administrator made the
// login a member of. A schema that another login made first is refused. In a schema that other
// programs use too, botyard_app is granted only the tables of this plugin.
//
// # Turns
//
// Begin and Commit are one round trip each. Each is a function in the database. The usual case
// has a fast path, a plain statement that costs the server a third less when it is prepared. It
// begins a turn in a free conversation that this Store has seen before, or commits the turn that
// holds the conversation. When it does not fit it changes nothing, and the function is called.
//
// Begin locks the conversation's row for the time of its transaction, and then reads the tail. A
// busy conversation is not locked at all. The tail is the end of one index range, whatever the
// length of the conversation. Columns that a turn changes are not indexed, so the row is updated
// in place. Leases are measured by the database's clock. A turn is alive until its own lease and
// the lease that its holder renewed have both ended. A fence has the number of the conversation,
// which is never used again, and the sequence of the turn.
//
// Calls of one tenant that meet share a transaction. While one pipeline is running, later calls
// wait and are then sent together, at most eight. That halves what a busy tenant's turns cost the
// server. A call that finds nothing running is sent at once, and none waits longer than 5 ms.
// The calls lock their conversations in the order of the numbers, and wait at most 100 ms for a
// lock. If anything fails, each call is sent alone. Different tenants never share a transaction.
//
// A deletion first unlinks: it moves conversations to the trash in one transaction. From then on
// nobody sees them and no fence holds. Then it sweeps: it removes their turns, a thousand at a
// time.
//
// # When things break
//
// Every statement is part of a transaction. A host that dies leaves a running turn, which the
// next Begin interrupts when the lease has ended. A deletion that was cut short leaves trash,
// which the next deletion in that scope removes. A migration that was cut short leaves nothing.
// A call whose connection breaks returns a fault that can be retried: attempts and fences make
// repeats safe. A call that found no free connection says when to try again.
//
// If the configuration has several hosts, a host that accepts writes is used. The host of the last
// connection is tried first. When a server closes connections or becomes read-only, all open
// connections to it are dropped. Statements are kept prepared unless there is a pooler. A pooler is
// recognized by the process id that it makes up, or by prepared statements that are missing. LISTEN
// does not work through a pooler. [Store.WatchTenants] then says so, unless listen_dsn is set.
//
// # Schema versions
//
// Opening a Store does not need the database. The first call that reaches it expands the tables
// to the schema version of this plugin, in one transaction under an advisory lock, so hosts may
// start together. Expanding only adds. The table layout has the schema version of the database
// and that of the oldest plugin that may use it. A function that changes gets a new number in its
// name. So hosts of two versions work side by side, until [Store.Migrate] is told to contract.
// That removes what only older plugins need, and they are refused with a message that says why.
//
// The code that runs migrations is our own. Libraries for this lock by session, which does not
// work through a transaction pooler, and have no oldest version.
package pgstore
