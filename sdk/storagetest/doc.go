// Package storagetest is the conformance kit of storage plugins: it tests whether a storage keeps
// the promises of [storage.Storage]. It does not need a *testing.T, because [Test] returns an error
// with everything that is wrong. A test, a command or a health check can call Test, with a storage in
// the same process or with the client of a plugin in any language.
//
//	func TestConformance(t *testing.T) {
//		open := func(context.Context) (storage.Storage, error) { return mystore.New(), nil }
//		if err := storagetest.Test(t.Context(), open); err != nil {
//			t.Fatal(err)
//		}
//	}
//
// The option [Peers] opens a storage several times, if several processes may share it. The rules
// about writers then use all opened storages.
//
// Each [Rule] has a name and a sentence. [Rules] lists all rules. A rule uses tenants with ids that no
// other run has, so that it may run against a database that is in use. It deletes these tenants at its
// end, if the storage can delete them.
//
// # Files
//
// These files run the rules:
//
//	run.go                   Test and its options: Short, Only, Lease, Durable, Features, Peers, Report
//	rule.go                  Rule, and the list of all rules
//	env.go                   Env, with which a rule begins conversations and turns of its tenants
//	tenant_store_env.go      Env for registered tenants
//	import_env.go            Env for imports
//	cursor_env.go            Env for those who follow conversations by cursors
//	compare.go               compares the results of calls
//	message.go               messages of the rules, and how they are compared
//
// These files have the rules. Each line has the names of the file's rules:
//
//	turn_rules.go            one turn: turn, begin-repeat, commit-repeat, fences
//	log_rules.go             what the model sees: tail, tail-turns, failed-apart, begun
//	writer_rules.go          several writers: writers, tenants-apart, long-conversation
//	linearizable_rules.go    any interleaving: linearizable
//	linearizable_model.go    what calls return that are made one after the other
//	lease_rules.go           leases: dead-holder, stale-fence, slow-holder, renew
//	key_rules.go             idempotency keys: key-replay, key-running, key-retry, key-reused, key-scope, key-empty-digest
//	read_rules.go            Read: read-paging, read-growing, read-missing
//	list_rules.go            List: list, list-user, list-growing
//	owner_rules.go           owners of conversations: owned, owned-racing, list-wrote, import-owner
//	delete_rules.go          Delete: delete-conversation, delete-user, delete-tenant, late-write, reused-id
//	delete_steps_rules.go    Delete with Limit or Before: delete-before, delete-steps, delete-steps-reuse
//	delete_reuse_rules.go    the check of delete-steps-reuse
//	delete_user_rules.go     emptied turns of a user: empty-user, empty-user-before
//	delete_race_rules.go     Delete during writes: delete-racing, purge-racing
//	incarnation_rules.go     incarnations: tenant-incarnations, incarnation
//	retract_rules.go         retractions: retract, retract-refused, retract-repeat
//	retract_told_rules.go    the checks of retract-told and retract-import
//	branch_rules.go          branches: branch, branch-retracted, branch-repeat
//	branch_refused_rules.go  the checks of branch-refused and branch-deleted
//	cursor_rules.go          cursors: cursor-claim, cursor-advance, cursor-limit, cursor-racing
//	cursor_key_rules.go      the checks of cursor-work, cursor-store-key, cursor-begin, cursor-bounds
//	cursor_drop_rules.go     the check of cursor-dropped
//	cursor_forget_rules.go   what must be forgotten: cursor-deleted, cursor-reused, cursor-emptied, cursor-tenant
//	content_rules.go         stored contents: text, nul, large, parts, unknown, record
//	bounds_rules.go          requests out of bounds: bounds
//	page_size_rules.go       bytes of a tail or a page: tail-bytes, page-bytes, tenant-page-bytes
//	import_rules.go          imports: import, import-repeat, import-refused, import-goes-on, import-apart
//	migrate_rules.go         migrations: migrate
//	check_rules.go           Check of a storage that has it: check
//	durable_rules.go         durable storages: restart, restart-tenants, restart-deletion
//	tenant_store_rules.go    registered tenants: tenant-versions, tenant-if-version, tenant-repeat, tenant-get
//	tenant_history_rules.go  the checks of tenant-history, tenant-kept, tenant-kept-bytes, tenant-erase-history
//	tenant_content_rules.go  the checks of tenant-document, tenant-deleted, tenant-bounds
//	tenant_writer_rules.go   changes of tenants: tenant-changes, tenant-head, tenant-list
//	tenant_watch_rules.go    watches: watch, watch-busy, watch-ends
//
// These files test the rules: flaws_test.go lists the flaws, with the rules that must find each
// flaw, and broken_test.go runs them.
// reference_test.go and the other reference_*_test.go files are the reference storage, which has the
// flaws. It is the only storage of the tests that is not built on package storagekit. storagekit is
// judged by these rules. If the rules were tried on storagekit too, a mistake in it could pass for the
// promise. And most flaws lie within one step, which a storage on storagekit cannot reach.
//
// # To add a rule
//
// A rule comes with a broken storage which proves that the rule can fail:
//
//  1. Add a [Rule] with its name, sentence and check to the list in the file of its subject. Add a
//     new list to [Rules].
//  2. Think of a flaw that only the new rule finds. Add the flaw to flaws in flaws_test.go, with
//     the name of the rule.
//  3. Build the flaw into the reference storage, behind r.has("NAME-OF-THE-FLAW").
//  4. Run go test -run 'TestReference|TestRules' in this folder. TestReference_passes checks that the
//     rule accepts a correct storage. TestRules_canFail/NAME-OF-THE-FLAW checks that only the
//     named rules fail.
//  5. Run the kit against the storage plugins, with go test -run Conformance in their folders.
//  6. If the comments of the interface leave open what the rule requires, state it below.
//
// # What the rules decide
//
// The comments of the interface do not say everything. The rules also require this:
//
//   - A conversation exists after its first Begin, even if the first turn does not succeed, so that
//     what a user wrote can be found and deleted. Before a turn succeeds, List returns the
//     conversation with 0 turns, and Read without All returns an empty page.
//   - A conversation belongs to the user of its first turn. List with a user returns, and Delete of a
//     user removes, the conversations that belong to the user. Other users may write in them.
//   - A Begin with the attempt of the running turn is a repeat of that turn's Begin. Without
//     attempts, two equal Begins are two turns, and the second Begin is busy.
//   - The first Commit of a turn counts. A second Commit with the same state returns the same number,
//     and its other fields are ignored. A second Commit with another state is fault.Conflict.
//   - Only a Begin acts on the end of a lease. Before a Begin interrupts the turn, the turn's Commit
//     is accepted, and Renew extends its lease.
//   - The reason of an interrupted turn begins with the name of a fault class.
//   - Begin checks the idempotency key before it checks for a running turn. While another turn
//     runs, Begin still returns a replay, or KeyReused for a key with another digest. It returns
//     KeyReused even if the first turn with the key failed.
//   - A nil and an empty digest are equal. A key with an empty digest is replayed too.
//   - Keys are deleted with their conversation.
//   - If the call has an incarnation, conversations belong to the pair of tenant and incarnation.
//     Deleting a tenant ends the incarnation for good: a later Begin or Commit in it is
//     fault.Conflict, and a repeated deletion does not delete a later incarnation. If the call has
//     no incarnation, a deleted tenant's id can be used again and starts empty.
//   - A text with NUL is stored unchanged, or refused with fault.Invalid.
//   - Metadata, usage and records may be returned as other bytes of the same JSON value.
//
// For deletions with Limit or Before:
//
//   - Each call first unlinks everything in its scope at once, so that no call can read or write it
//     any more. Then it removes about Limit unlinked turns in its scope: at most Limit turns and the
//     other turns of one conversation. A negative Limit is fault.Invalid.
//   - A later call removes what earlier calls unlinked in its scope. It does so even if it has Before,
//     and even if the conversation's id has a new incarnation. A repeated call without Before
//     also deletes conversations that were begun after the first call. To keep these conversations,
//     the repeated call sets Before to the time of the first call.
//   - Over all calls, Conversations and Turns add up to what existed. Each conversation and each turn is
//     counted once, also when other callers write during the deletion.
//   - Before is compared with UpdatedAt. A conversation that was changed at the time Before is not
//     deleted. Renewing a lease does not change a conversation.
//   - A conversation with a running turn is deleted if the turn's lease has ended.
//   - Deleting a whole tenant ends the tenant's incarnation, except with Before.
//   - Deleting a tenant's conversations does not change the tenant's registration.
//
// For imports:
//
//   - An imported conversation is as old as its turns: CreatedAt is the start of its first turn,
//     and UpdatedAt the end of its last turn. An import does not change the owner of an existing
//     conversation, and sets UpdatedAt to the later of the old and the new time.
//   - A request that contradicts itself is refused with fault.Invalid or fault.Conflict. Examples
//     are sequences with gaps, a turn that has not ended, a turn that has a number although it did not
//     succeed, and a succeeded turn without a number.
//   - A request that contradicts the stored turns is fault.Conflict. Examples are a missing
//     sequence or number, an existing turn with another state or number, a running turn even if
//     its lease has ended, and a deleted incarnation.
//   - Nothing of a refused request is stored.
//   - Existing turns are not changed, even if the request has other contents for them. A request
//     without turns returns 0 and does not create a conversation.
//
// For retractions:
//
//   - A turn that retracts may be retracted by a later one. What it retracted stays retracted.
//   - Keys of retracted turns replay, and a Begin that replays retracts nothing.
//   - Begin returns at least the retractions after the cursor, by the numbers that it retracted.
//
// For branches:
//
//   - A Branch with the number 0 for a conversation that is a branch of the same source repeats its
//     Branch, also after the source went on.
//   - The copies may keep their keys.
//
// For cursors:
//
//   - A turn that failed makes a cursor behind too.
//   - An Advance to a lower sequence changes nothing of the cursor's sequence. An Advance by the last
//     holder is accepted after its lease, as long as nobody else has claimed the cursor.
//   - A store key without any Claim has no cursors, so that a deletion leaves nothing to be forgotten
//     for it. The same is so for a conversation that no Claim returned, or a storage may have stored
//     its cursor.
//   - A storage may drop the cursors of a store key in steps. As long as no cursors of the tenant have been
//     dropped, a claim of only what must be forgotten does not count as a claim of a new store key.
//   - What is to be forgotten of a tenant stays held until no holder has a cursor of the store key.
//   - A deletion of a conversation may drop what is to be forgotten of users in it.
//
// For tenant stores:
//
//   - PutTenant checks the attempt first. With the attempt of the newest version, it returns that
//     version and ignores the other fields. It does so also after other puts have failed.
//   - PutTenant, GetTenants, ListTenants and TenantHistory return equal fields for one version, also
//     CreatedAt.
//   - Every instance of the storage returns a version as soon as its PutTenant has returned.
//   - After a caller has seen a position, as a change or as Head, no lower position appears. The
//     version at Head, or a newer version of the same tenant, can be read. A caller that reads Head,
//     then reads all tenants, and then reads the changes after that Head has the newest version of
//     every tenant.
//   - TenantChanges returns at least the newest change of a tenant, with the position of the
//     tenant's newest version.
//   - GetTenants leaves out unknown ids. ListTenants returns tenants of all states.
//   - Empty tenants and attempts, unknown states, negative versions and positions, limits
//     out of bounds and more than MaxPage ids are fault.Invalid.
//   - Documents are bytes, not text. A nil and an empty document are equal. Notes are text.
//
// For watches:
//
//   - Several changes may cause one call of changed, and changed may be called without a change.
//     A change that happens while changed runs, or later, causes another call of changed.
//   - WatchTenants always returns an error. It returns the error of changed, so that errors.Is finds
//     the error, or fault.Canceled when ctx is canceled.
//   - If WatchTenants returns fault.Invalid before its first call of changed, the storage can never
//     report changes, and the rules for watches are skipped.
//
// The rules for TenantStore, TenantWatcher, Importer, Migrator, Renewer, Brancher and CursorStore are
// skipped if the storage does not implement the interface. Those for retractions are skipped without
// the option [Features]. A skipped rule does not count as passed. [Report] shows which
// rules were skipped.
//
// No rule checks that keys expire after storage.KeyTTL, because the check would have to change the
// storage's own clock.
package storagetest
