// Package pgstore is the storage plugin "postgres": it keeps conversations and the
// tenants' registry in a PostgreSQL database, version 14 or later, which any number
// of hosts share. It is reached over TCP or a unix socket, directly or through a
// pooler such as PgBouncer in transaction mode.
//
// # Whose data is where
//
// A [Store] is one instance, with one pool of connections. The host makes one for
// each distinct configuration: tenants that inherit the same block share it, and two
// that log in differently have two pools, even in one database. All tables are in one
// schema, "botyard" unless the configuration says else:
//
//	conversations   one row for each, with where it stands and who runs a turn in it
//	turns           one row for each turn; message and replies as JSON
//	trash           deleted conversations of which turns may be left
//	ended_lives     incarnations of tenants that take no writes any more
//	registrations   all kept versions of registered tenants; tenants, the newest of each
//	holders         renewed leases;  registry, the newest position;  layout, see below
//
// Operators may read them with psql; the first six show nothing to who has not set a
// tenant, superusers excepted:
//
//	begin;
//	select set_config('role', 'botyard_app', true), set_config('botyard.tenant', 'client-a', true);
//	select seq, state, message, replies from botyard.turns order by cid, seq;
//
// # Isolation
//
// Row-level security is enabled and forced on every table that has a tenant: a row is
// there for who has set its tenant, and an empty setting is no tenant. Each call is
// one pipeline, sent at once and run as one transaction. Its first statement sets
// role and tenant for this transaction; the rest takes the tenant from there and not
// as an argument. Nothing is set per connection, so a pooler may give every
// transaction another one. Calls that read the registry across tenants have a setting
// of their own, which opens those two tables for reading and no others.
//
// The work is done as the role botyard_app, which cannot log in and cannot bypass
// row-level security. A superuser, or a login with CREATEROLE, makes it once for all
// databases of the server. Any other login that is neither a superuser nor has BYPASSRLS
// works as itself: it owns the tables, and forced row-level security holds owners too.
// Logins that nothing would hold are refused.
//
// Whoever owns the schema, a table or a function of it decides what runs there with what
// the login may do. So those must be owned by the login itself, a superuser, or a role
// that an administrator made the login a member of; a schema that another login of the
// database made first is refused. In a schema that other programs use too, the role gets
// only the tables of this one.
//
// # Turns
//
// Begin and Commit are one round trip each, and one function in the database. What most
// turns need of these is also a plain statement, which takes a third less of the server's
// time where it is kept prepared: it begins in a conversation that the Store has seen before
// and that is free, and ends what its fence holds. If that was not so it did nothing, and
// the function is called after it. Begin locks the conversation's row, for the time of its own
// transaction, and reads the tail after that; a busy conversation is not locked at all. The tail is the end of one
// index range, whatever the length of the conversation. What they change in a
// conversation is not indexed, so its row stays where it is. Leases go by the
// database's clock: a turn lives by the lease it was begun with or by the one that
// its holder renewed, whichever is longer. A fence is the conversation's number, which
// is never used again, and the turn's.
//
// Such calls of one tenant share a transaction where they meet: while one is under way, those
// that come gather and go together, up to eight, behind one statement that sets the tenant
// for all. That halves what a busy tenant's turns cost the server. A call that finds nothing
// under way goes at once, and none waits for others longer than 5 ms to go. They take their
// conversations in the order of the numbers and wait for a locked one no longer than 100 ms:
// if that, or any of them, fails, each is sent alone. Different tenants share nothing.
//
// A deletion moves the conversations it names to the trash in one transaction,
// whereupon nobody sees them and no fence holds; their turns are then removed by the
// thousand.
//
// # When things break
//
// Every statement is part of a transaction that happens or does not. A host that dies
// leaves a running turn, which the next Begin interrupts once the lease is over; a
// deletion that was cut short leaves trash, which the next deletion in that scope
// removes; a migration that was cut short leaves nothing. A call whose connection breaks
// answers a failure of the provider that may be repeated: attempts and fences make
// repeats safe. One that found no free connection says after which time to come again.
//
// Of several hosts in the configuration one that takes writes is chosen, the last one
// first. A server that ends its connections, or answers that it has turned read-only,
// loses all that were open to it. Statements are kept prepared, unless a pooler is
// noticed: by the number of its process, which it makes up, or because what was prepared
// is gone. LISTEN does not work through one; then [Store.WatchTenants] says so, unless
// listen_dsn is another way.
//
// # Layouts
//
// Opening a Store does not need the database. The first call that reaches it brings
// its tables to the layout that this version knows, in one transaction under an advisory
// lock, so hosts may start together. Layouts only add: the table layout says which
// there is and which is the oldest that a plugin must know to use it, and functions that
// change get a new number. So hosts of two versions work side by side, until
// [Store.Migrate] is told to finish: that removes what only older ones need, and they
// refuse the database with a sentence that says why.
//
// The runner of these is small and its own: those to be had take locks of sessions,
// which a transaction pooler loses, and keep no oldest version.
package pgstore
