// Package pgstore is the storage plugin "postgres". It keeps conversations and registered tenants in a
// PostgreSQL database, version 14 or later. Any number of hosts may share the database. A Store
// connects over TCP or a Unix socket, directly or through a pooler such as PgBouncer in transaction
// mode.
//
// # Files
//
// The plugin and its configuration:
//
//	plugin.go             name, version and features of the plugin
//	config.go             the keys of the configuration and their bounds
//	dsn.go                builds the driver's configuration from keys and DSN; checks the hosts
//	tls.go                when a connection uses TLS, and what it verifies
//	store.go              Store, Open and Close
//	check.go              Check: is the database reached, and may this plugin use it
//
// Conversations, one file for each call:
//
//	begin.go              Begin by a database function: started, replay, busy, key reused
//	commit.go             Commit by a database function
//	fastpath.go           Begin and Commit by plain statements; the cache of conversations
//	batch.go              which calls of a tenant share a transaction
//	tail.go               reads the newest turns
//	messages.go           converts the messages of a turn to columns and back
//	fence.go              the formats of a fence and of a conversation's incarnation; common faults
//	lease.go              Renew
//	page.go               Read and List
//	delete.go             Delete: unlinks conversations first, then removes their turns in steps
//	import.go             Import
//	branch.go             Branch
//	cursor.go             Claim and Advance; the cursor that Begin returns
//
// Registered tenants:
//
//	tenant_store.go       PutTenant, GetTenants, ListTenants, TenantHistory, TenantChanges
//	tenant_watch.go       WatchTenants by LISTEN; when a watch cannot work
//
// Execution of SQL:
//
//	pipeline.go           a round trip that is a transaction: sets role and tenant; when it is repeated
//	statements.go         the SQL of all calls
//	turn_row.go           converts rows of the table turns
//	registration_row.go   converts rows of the table registrations
//	failure.go            the faults for errors of the database; which errors mean lost connections
//	log_limiter.go        how often the same failure is logged
//
// Before the first call, and when the schema has changed:
//
//	bootstrap.go          inspects and migrates a database once for all waiting calls
//	inspect.go            the state of the database; which databases and logins are refused
//	ownership.go          which owners of schema, tables and functions are trusted
//	role.go               creates the role botyard_app and its grants
//	migration.go          schema versions: Migrate, expand and contract
//	schema_objects.go     the names of the plugin's tables and functions
//	migrations/           the SQL of each schema version: tables, functions, policies
//
// Connections:
//
//	pool.go               the pool: waiting, overflow, lost connections, prepared statements
//	connection_share.go   how configurations divide the connections to one server
//	host_preference.go    which of several hosts a connection tries first
//	pooler.go             the reasons in PgBouncer's refusals
//	message_guard.go      bounds on the messages of a server
//	tracked_conn.go       a connection that counts writes and reports its end
//
// Each test file is named after the file that it tests. isolation_test.go, recovery_test.go,
// load_test.go, cursor_load_test.go, search_path_test.go, retract_test.go, forget_test.go and
// store_keys_test.go test promises of the whole Store. claim_plans_test.go is about statements.go. schema2_test.go and schema3_test.go read recorded databases of earlier
// schema versions. cluster_test.go starts the
// servers, and calls_test.go has functions for calls of a Store.
//
// # Where the data is
//
// A [Store] is one instance of the plugin, with one pool of connections. The host configures one
// instance for each distinct configuration. Tenants that inherit the same block share a Store. Two
// tenants with different logins have two Stores, even in one database. All tables are in one schema,
// which is "botyard" by default:
//
//	conversations   one row for each conversation, with the sequence and lease of its running turn
//	turns           one row for each turn; the columns message and replies are JSON
//	retractions     which numbers a turn has retracted
//	cursors         how far conversations were followed, and the tenant's own cursors
//	forgets         cursors to be forgotten
//	trash           deleted conversations that may still have turns
//	ended_lives     deleted incarnations of tenants
//	registrations   the stored versions of registered tenants
//	tenants         the number of the newest version of each registered tenant
//	holders         renewed leases
//	registry        the newest position of a registration
//	layout          the schema version and the oldest plugin that may use the database
//
// Operators may read the tables with psql. For logins that are not superusers, the first nine tables
// show no rows until a tenant is set:
//
//	begin;
//	select set_config('role', 'botyard_app', true), set_config('botyard.tenant', 'client-a', true);
//	select seq, state, message, replies from botyard.turns order by cid, seq;
//
// # Isolation
//
// Row-level security is enabled and forced on every table with a column tenant. A row is visible only
// while its tenant is set. A call sends all its statements at once, as a pipeline. The pipeline is one
// transaction. Its first statement sets the role and the tenant for this transaction. The other
// statements read the tenant from that setting, and do not have the tenant as an argument. No setting
// outlives a transaction, so that a pooler may run each transaction on a different server connection.
// Calls that read the registrations of all tenants use another setting. It allows them to read the
// tables registrations and tenants.
//
// The role botyard_app does this work. It cannot log in, and row-level security applies to it. A
// superuser or a login with CREATEROLE creates the role once for all databases of the server. A login
// that is neither a superuser nor has BYPASSRLS may also do the work itself. It then owns the tables,
// and forced row-level security applies to owners too. Open refuses logins that would see the rows of
// all tenants.
//
// The owner of a schema, a table or a function can change the code that runs with the rights of the
// login. So the owner must be the login itself, a superuser, or a role whose membership an
// administrator has granted to the login. Open refuses a schema that another login has created. In a
// schema that other programs use too, botyard_app gets access only to the tables of this plugin.
//
// # Turns
//
// Begin and Commit are one round trip each. Each calls a function in the database. There is also a
// fast path for both, which is a plain prepared statement and costs the server a third less. For
// Begin, the fast path starts a turn in a conversation without a running turn, if the Store has the
// database id of the conversation in its cache. For Commit, the fast path ends the running turn. In all
// other cases its statement changes nothing, and the Store calls the function.
//
// Begin locks the row of the conversation until the end of its transaction, and then reads the tail.
// Begin does not lock the row of a busy conversation. The tail is the end of an index range, so that
// the cost of reading it does not depend on the length of the conversation. No index has a column that
// a turn changes, so that PostgreSQL updates the row in place. The database's clock measures leases. A
// running turn holds its conversation until both its own lease and the lease that its holder has
// renewed have expired. A fence has the database id of the conversation and the sequence of the turn.
// The database never assigns an id twice.
//
// Concurrent calls of one tenant share a transaction. While a pipeline of the tenant is running, later
// calls wait and are then sent together, at most eight in one transaction. That halves the cost of a
// busy tenant's turns for the server. A call is sent at once if no pipeline of its tenant is running.
// No call waits longer than 5 ms. The statements lock conversations in the order of their database ids,
// and wait at most 100 ms for a lock. If a shared transaction fails, each of its calls is sent alone.
// Calls of different tenants never share a transaction.
//
// A retracted turn loses its number to another column, so that tails and pages do not see it. The
// conversation's row counts numbers and never goes back. A branch is copied by one statement, while a
// lock keeps turns of the source from beginning and ending. Both call a function in the database.
//
// # Cursors
//
// The table cursors has a row for each store key and conversation. The row says whether the
// conversation is behind. A trigger sets this when a turn ends, and Advance computes it again, so that
// Claim reads an index of cursors that are behind, in the order in which they become free. It stops as
// soon as it has enough. The trigger runs only for conversations that have cursors. Conversations
// without cursors of a store key stand at the front of another index, and Claim gives them cursors, up
// to 1000 in one step. Claims skip what another claim has locked, so that they do not wait for each
// other. All others lock the row of the conversation before its cursors. The database's clock measures
// the leases of claims.
//
// A row with cid 0 notes a store key. A claim of a store key beyond the bound drops the cursors of another
// one, a thousand in each transaction. It leaves a row without a store key in the table forgets, which says
// that cursors were dropped. Each claim holds an advisory lock of the tenant's store keys in shared mode.
// The transaction that drops cursors holds it in exclusive mode, so that nobody claims cursors while they
// are dropped.
//
// Another trigger runs when conversations are deleted, and makes their cursors ones to be forgotten in
// the same transaction. It does so for hosts of all versions.
//
// # Deletions
//
// A deletion first unlinks conversations: one transaction moves their rows to the table trash. After
// that no call can see these conversations, and no fence is valid for them. Then the deletion removes
// their turns, up to a thousand in each transaction.
//
// # Failures
//
// Every statement is part of a transaction. When a host dies, its running turns stay in the database.
// The next Begin in the conversation interrupts the turn after its lease has expired. An interrupted
// deletion leaves rows in the table trash, and the next deletion of that scope removes them. An
// interrupted migration changes nothing. A call whose connection breaks returns a retryable fault. The
// attempt of a Begin and the fence of a Commit make repeats safe. A call that gets no free connection
// returns a fault with a time for the retry.
//
// If the configuration has several hosts, the Store uses a host that accepts writes. A new connection
// first tries the host of the last connection. When a server closes connections or becomes read-only,
// the Store drops all open connections to it. The Store uses prepared statements if there is no
// pooler. It recognizes a pooler by the process id that the pooler invents, or by missing prepared
// statements. LISTEN does not work through a pooler. Without the key listen_dsn, [Store.WatchTenants]
// then returns fault.Invalid.
//
// # Schema versions
//
// Open succeeds without the database. The first call that reaches the database expands the tables to
// the schema version of this plugin. It does this in one transaction with an advisory lock, so that
// hosts may start at the same time. An expansion only adds tables, columns and functions. A changed
// function gets a new number in its name. So hosts with two versions of the plugin can use the database
// at the same time. [Store.Migrate] with Contract removes what only older plugins need. Older plugins
// then refuse the database, and their fault names the schema version that is necessary.
//
// The plugin has its own code for migrations. Libraries for migrations use a lock of the session, which
// does not work through a transaction pooler. They also do not know the oldest version that may use the
// database.
package pgstore
