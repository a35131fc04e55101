// Package storagetest says whether a storage keeps the promises of
// [storage.Storage]. It takes no *testing.T: [Test] answers an error with all
// that is wrong, so a test, a command or a health check can use it, on a storage
// in the same process or on the client of a plugin in any language.
//
//	func TestConformance(t *testing.T) {
//		open := func(context.Context) (storage.Storage, error) { return mystore.New(), nil }
//		if err := storagetest.Test(t.Context(), open); err != nil {
//			t.Fatal(err)
//		}
//	}
//
// A storage that several processes share says so with [Peers]: the rules about
// writers then go through all of them.
//
// Each [Rule] has a name and a sentence; [Rules] lists them. A rule works in
// tenants of its own, with names that no other run has, so it can be pointed at a
// database that has something in it; it deletes what it wrote, as far as the
// storage lets it.
//
// # What the rules decide
//
// Where the interface's words leave room, these readings bind:
//
//   - A conversation exists from its first Begin on, whatever became of that turn:
//     what a user wrote can be found and deleted. It is listed with 0 turns, and
//     Read without All gives an empty page.
//   - A conversation belongs to the user of its first turn. List by user and
//     Delete of a user go by that; other users may talk in it.
//   - A repeated Begin is known by its attempt, as long as its turn runs; without
//     attempts, two equal Begins are two turns, and the second is busy.
//   - The first Commit of a turn wins. A repeat with the same state answers the same
//     number, whatever else it brings; one with another state is fault.Conflict.
//   - A lease that ran out matters only to a Begin: until one interrupts the turn,
//     its Commit is good and Renew gives the lease back.
//   - An interrupted turn's reason begins with the name of a fault class.
//   - An idempotency key is looked at before the conversation: a replay is answered
//     and a reused key refused while another turn runs. A key with another digest is
//     refused whatever became of the first turn.
//   - Keys go with their conversation.
//   - With an incarnation in the call, (tenant, incarnation) is what owns
//     conversations. Deleting a tenant ends that life for good: a later Begin or
//     Commit under it is fault.Conflict, and a repeat of the delete does not touch a
//     later life. Without one, a deleted tenant's id starts empty.
//   - Text with NUL in it is stored as it is, or refused as fault.Invalid.
//   - Metadata and records may come back as other bytes of the same JSON.
//
// Of deletions in steps and with a time:
//
//   - Each call takes what its scope names at that moment out of reach, all of it and
//     at once, and then removes about Limit turns of what is out of reach in its scope:
//     at most Limit and the rest of one conversation. A negative Limit is fault.Invalid.
//   - What earlier calls left over is removed by any later call whose scope covers it,
//     also one with Before, and in whatever life a conversation's id is by then. So who
//     must spare what was begun since repeats the call with Before set to the time of
//     the first; without it, the repeat deletes that too.
//   - Over all calls, Conversations and Turns add up to what was there, each once, also
//     when it is deleted while others write.
//   - A conversation changes when it says so: Before is compared with UpdatedAt, and
//     one that was changed just then is spared. Renewed leases change nothing.
//   - A turn whose lease ran out spares nothing.
//   - A whole tenant's deletion ends its incarnation unless it has Before.
//   - Deleting what a tenant wrote leaves its registration as it is.
//
// Of imports:
//
//   - An imported conversation is as old as its turns: it was created when its first
//     started and changed when its last ended. One that was there belongs to whom it
//     did, and was changed at the later of the two times.
//   - A request that contradicts itself is refused, as fault.Invalid or fault.Conflict:
//     sequences that are not each one more than the last, a state that is no end, a
//     number without success or success without one. One that contradicts what is
//     there is fault.Conflict: a sequence or number that skips, another state or
//     number, a running turn, whether its holder lives or not, a deleted life.
//     In either case nothing of it is kept.
//   - Turns that are there already are left as they are, whatever else the request
//     has in them. No turns at all are 0, and make no conversation.
//
// Of the tenants' registry:
//
//   - The attempt is looked at first: PutTenant with the attempt of the newest version
//     answers that version, whatever else it brings, and also after others failed.
//   - Put, Get, List and History answer one and the same for a version, CreatedAt too.
//   - A version is seen by every instance of the storage as soon as its Put returned.
//   - Who has seen a position, as a change or as Head, never sees a lower one appear,
//     and the version at Head, or a newer one of its tenant, is there to be seen.
//     Who takes Head, then reads all tenants, then follows the changes after that Head
//     has every tenant's newest version.
//   - Of a tenant's changes at least the newest is answered. It comes at the position
//     of its version.
//   - GetTenants says nothing of ids that it does not know, and lists show all states.
//   - Empty tenants and attempts, no state, negative versions and positions, limits
//     out of bounds and more than MaxPage ids are fault.Invalid.
//   - Documents are bytes, not text; nil and empty are one. Notes are text.
//
// Of watches:
//
//   - Several changes may be told as one, and one that was none as a change. But a
//     change that is made while changed runs, or after, is told by another call.
//   - WatchTenants always answers an error: that of changed, so that errors.Is knows
//     it, or fault.Canceled when ctx ended.
//   - One that answers fault.Invalid before its first call of changed can never notice
//     any, and is not for this storage.
//
// Rules that a storage leaves room for are skipped, not passed: those of Registry,
// Watcher, Importer, Migrator and Renewer when it is none, see [Report].
//
// Not covered, because it takes a clock of the storage's own: that keys are
// forgotten after storage.KeyTTL.
package storagetest
