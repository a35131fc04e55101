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
// Not covered, because it takes a clock of the storage's own: that keys are
// forgotten after storage.KeyTTL.
package storagetest
