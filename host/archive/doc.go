// Package archive exports, imports, erases and purges the data that a tenant, or one of its
// users, has in storages, and deletes old conversations (retention). The package opens the
// storages itself. So it needs no bot of the tenant, and it works for removed tenants too. It
// uses every storage that the tenant's present incarnation was written to, not only the present
// storage.
//
// # Export format
//
// An export is a text with one JSON object in each line. The field "type" says what a line has.
// The first line is of the type "export" and has the version of the format. The line "tenant"
// has the tenant's configuration; an export of one user lacks this line. A line "conversation"
// is followed by the lines "turn" of the conversation. The last line is "end", with the numbers
// of conversations and turns. An export without the line "end" is incomplete. A line "error"
// says why it is incomplete.
//
// An export holds at most one page of turns in memory. It waits for a slow reader.
//
// # Repetition
//
// Each operation can be repeated after an error, and then continues: an import skips turns that
// the storage has already, and a deletion finds less to delete. A purge stores its counts with
// the tenant's registration, which it deletes last.
//
// # Files
//
// Used by all operations:
//
//   - archive.go: options and defaults; the Archive.
//   - opened_storage.go: opening a tenant's storage; refusing a plugin that does not record which
//     user wrote a turn.
//   - retry.go: which calls are repeated, for how long, with which pauses.
//   - tenant_lock.go: one deletion of a tenant at a time.
//   - memory.go: deleting from the tenant's memory.
//
// Export and import:
//
//   - format.go: the types of lines, and the bounds of a line and a turn.
//   - encoder.go: writing lines; truncating turns that are too large.
//   - decoder.go: reading lines; refusing invalid lines.
//   - export.go: the order of an export, its pages, and which conversations are hidden.
//   - export_user.go: which turns belong to the export of one user.
//   - export_config.go: leaving secrets out of the exported configuration.
//   - import.go: options, counts and error messages of an import.
//   - importer.go: the order of lines that an import accepts.
//   - import_batch.go: how many turns are stored at once; how running turns are stored.
//   - import_target.go: which storage an import writes to; registering a missing tenant.
//   - turn_validation.go: which imported turns are refused.
//   - long_lines.go: how many long lines are held in memory at once.
//
// Deletion:
//
//   - erase.go: deleting the conversations of a tenant or of a user.
//   - purge.go: deleting a tenant with its registration.
//   - receipt.go: the record of what a purge has deleted.
//   - deleter.go: deleting in every storage, side by side and step by step; the second sweep for
//     late writes.
//   - deletion_options.go: abandoned storages, and progress.
//   - deletion_counts.go: counts by incarnation and storage.
//
// Retention (retention_days):
//
//   - retention.go: when a pass is made, and how it is throttled.
//   - retention_queue.go: which tenant and storage are next; when a failing storage is skipped.
//   - retention_visit.go: which conversations of one tenant are deleted.
package archive
