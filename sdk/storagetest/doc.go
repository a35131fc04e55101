// Package storagetest tests whether a storage keeps the promises of [storage.Storage]. It takes no
// *testing.T: [Test] returns an error with everything that is wrong. So a test, a command or a
// health check can use it, on a storage in the same process or on the client of a plugin in any
// language.
//
//	func TestConformance(t *testing.T) {
//		open := func(context.Context) (storage.Storage, error) { return mystore.New(), nil }
//		if err := storagetest.Test(t.Context(), open); err != nil {
//			t.Fatal(err)
//		}
//	}
//
// A storage that several processes share says so with [Peers]. The rules about writers then use all
// of them.
//
// Each [Rule] has a name and a sentence. [Rules] lists them. A rule works in tenants of its own,
// with names that no other run has, so it may run against a database that is in use. It deletes
// what it wrote, as far as the storage lets it.
//
// # Files
//
// These files run the rules:
//
//	run.go                   Test and its options: Short, Only, Lease, Durable, Peers, Report
//	rule.go                  Rule, and the list of all rules
//	env.go                   Env, with which a rule makes tenants, conversations and turns
//	tenant_store_env.go      Env for registered tenants
//	import_env.go            Env for imports
//	compare.go               compares what calls returned
//
// These files have the rules. Each line says what its rules test, and names them:
//
//	turn_rules.go            one turn: turn, begin-repeat, commit-repeat, fences
//	log_rules.go             what the model is shown: tail, failed-apart, begun
//	writer_rules.go          several writers: writers, tenants-apart, long-conversation
//	linearizable_rules.go    any interleaving: linearizable
//	lease_rules.go           dead-holder, stale-fence, slow-holder, renew
//	key_rules.go             idempotency keys: key-replay, key-running, key-retry, key-reused, key-scope
//	read_rules.go            Read: read-paging, read-growing, read-missing
//	list_rules.go            List: list, list-user, list-growing
//	owner_rules.go           whose a conversation is: owned, owned-racing, list-wrote, import-owner
//	delete_rules.go          Delete: delete-conversation, delete-user, delete-tenant, late-write, reused-id
//	delete_steps_rules.go    with a limit or a time: delete-before, delete-steps, delete-steps-reuse
//	delete_reuse_rules.go    ids that are used again between the steps
//	delete_user_rules.go     turns of a user that are emptied: empty-user, empty-user-before
//	delete_race_rules.go     among writers: delete-racing, purge-racing
//	incarnation_rules.go     tenant-incarnations
//	content_rules.go         what is stored comes back: text, nul, large, parts, record
//	bounds_rules.go          requests out of bounds: bounds
//	page_size_rules.go       bytes of an answer: tail-bytes, page-bytes, tenant-page-bytes
//	import_rules.go          import, import-repeat, import-refused, import-goes-on, import-apart
//	migrate_rules.go         migrate
//	durable_rules.go         restart, restart-tenants, restart-deletion
//	tenant_store_rules.go    registered tenants: tenant-versions, tenant-if-version, tenant-repeat, tenant-get
//	tenant_history_rules.go  checks of tenant-history, tenant-kept, tenant-kept-bytes, tenant-erase-history
//	tenant_content_rules.go  checks of tenant-document, tenant-deleted, tenant-bounds
//	tenant_writer_rules.go   tenant-changes, tenant-head, tenant-list
//	tenant_watch_rules.go    watch, watch-busy, watch-ends
//
// These files test the rules: broken_test.go lists the flaws and says which rules must find each.
// reference_test.go and the other reference_*_test.go are the storage with the flaws.
//
// # To add a rule
//
// A rule comes with a broken storage which proves that the rule can fail:
//
//  1. Add a [Rule] with its name, sentence and check to the list in the file of its subject. A new
//     list is added to [Rules].
//  2. Think of a flaw that only this rule finds. Add it to flaws in broken_test.go, with the name
//     of the rule.
//  3. Build the flaw into the reference storage, behind r.has("NAME-OF-THE-FLAW").
//  4. Run go test -run 'TestReference|TestRules' here. TestReference_passes shows that the rule
//     accepts a right storage. TestRules_canFail/NAME-OF-THE-FLAW shows that exactly the named
//     rules fail.
//  5. Run the kit against the storage plugins: go test -run Conformance in each of them.
//  6. If the interface can be understood in more than one way, say below which way is right.
//
// # What the rules decide
//
// The comments of the interface do not say everything. The rules also require this:
//
//   - A conversation exists from its first Begin on, whatever the outcome of that turn:
//     what a user wrote can be found and deleted. It is listed with 0 turns, and
//     Read without All gives an empty page.
//   - A conversation belongs to the user of its first turn. That decides which conversations List
//     by user returns and Delete of a user removes. Other users may write in it.
//   - A repeated Begin is recognized by its attempt while its turn runs. Without attempts, two
//     equal Begins are two turns, and the second is busy.
//   - The first Commit of a turn wins. A repeat with the same state returns the same
//     number, whatever else is in it. A repeat with another state is fault.Conflict.
//   - The end of a lease matters only to a Begin. Until one interrupts the turn, its Commit is
//     accepted and Renew revives the lease.
//   - An interrupted turn's reason begins with the name of a fault class.
//   - An idempotency key is checked before the conversation: while another turn runs, a replay
//     is returned and a reused key is refused. A key with another digest is refused whatever the
//     outcome of the first turn.
//   - Keys are deleted with their conversation.
//   - With an incarnation in the call, conversations belong to the pair of tenant and
//     incarnation. Deleting a tenant ends that incarnation for good: a later Begin or
//     Commit under it is fault.Conflict, and a repeat of the delete does not touch a
//     later incarnation. Without one, a deleted tenant's id starts empty.
//   - Text with NUL in it is stored as it is, or refused as fault.Invalid.
//   - Metadata and records may come back as other bytes of the same JSON.
//
// For deletions in steps and with a time:
//
//   - Each call first unlinks everything in its scope at that moment, all at once: nobody can read
//     or write it any more. Then it removes about Limit unlinked turns in its scope: at most
//     Limit and the rest of one conversation. A negative Limit is fault.Invalid.
//   - A later call removes what earlier calls left in its scope. It does so even if it has Before,
//     and even if the conversation's id has a new incarnation by then. A plain repeat also deletes
//     conversations that were begun since the first call. To spare these, set Before in the repeat
//     to the time of the first call.
//   - Over all calls, Conversations and Turns add up to what existed, each counted once, also
//     when others write meanwhile.
//   - Before is compared with UpdatedAt. A conversation that was changed at that time is spared.
//     Renewing a lease does not change a conversation.
//   - A running turn whose lease has ended does not spare its conversation.
//   - A whole tenant's deletion ends its incarnation unless it has Before.
//   - Deleting what a tenant wrote leaves its registration as it is.
//
// For imports:
//
//   - An imported conversation is as old as its turns: CreatedAt is the start of its first turn,
//     and UpdatedAt the end of its last. An existing conversation keeps its owner, and its
//     UpdatedAt becomes the later of the two times.
//   - A request that contradicts itself is refused, as fault.Invalid or fault.Conflict. Examples
//     are sequences with gaps, a turn that has not ended, a turn with a number that did not
//     succeed, and a succeeded turn without a number.
//   - A request that contradicts the stored turns is fault.Conflict. Examples are a skipped
//     sequence or number, an existing turn with another state or number, a running turn even if
//     its lease has ended, and a deleted incarnation.
//   - Nothing of a refused request is stored.
//   - Existing turns are not changed, whatever else the request has for them. A request without
//     turns returns 0 and creates no conversation.
//
// For tenant stores:
//
//   - The attempt is checked first: PutTenant with the attempt of the newest version returns that
//     version, whatever else is in the request, and also after other puts have failed.
//   - Put, Get, List and History return the same for a version, CreatedAt too.
//   - Every instance of the storage returns a version as soon as its Put has returned.
//   - After a caller has seen a position, as a change or as Head, no lower position appears. The
//     version at Head, or a newer one of its tenant, can be read. A caller that takes Head, then
//     reads all tenants, then follows the changes after that Head has every tenant's newest
//     version.
//   - TenantChanges returns at least the newest change of a tenant, with the position of its
//     version.
//   - GetTenants leaves out ids that it does not know. Lists include all states.
//   - Empty tenants and attempts, no state, negative versions and positions, limits
//     out of bounds and more than MaxPage ids are fault.Invalid.
//   - Documents are bytes, not text. A nil and an empty document are equal. Notes are text.
//
// For watches:
//
//   - Several changes may cause one call of changed, and changed may be called without a change.
//     A change that is made while changed runs, or later, causes another call.
//   - WatchTenants always returns an error: the one of changed, so that errors.Is finds it, or
//     fault.Canceled when ctx ends.
//   - A WatchTenants that returns fault.Invalid before its first call of changed can never notice
//     a change. Then the rules are skipped.
//
// A rule that does not apply is skipped, and does not count as passed. This concerns the rules of
// TenantStore, TenantWatcher, Importer, Migrator and Renewer when the storage does not implement
// the interface. [Report] shows which rules were skipped.
//
// The rules do not test that keys expire after storage.KeyTTL. A test of that has to move the
// storage's own clock.
package storagetest
