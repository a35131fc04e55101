// Package archive works on everything that a tenant, or one of its users, has in storages:
// export, import, erasure, purge, and retention. It opens the storages itself, so it needs no
// bot of the tenant, and it works on removed tenants too. It looks into every storage that
// the tenant's present incarnation was written to, not only the one in use now.
//
// # Export format
//
// An export is a text of lines. Each line is a JSON object with a "type": "export" with the
// version of the format; "tenant" with the configuration (not in an export of one user); for
// each conversation "conversation", followed by its "turn" lines; and "end" with the counts.
// An export that does not end with "end" is cut off. A line of the type "error" says why.
//
// At most one page of turns is in memory. The export waits for a slow reader.
//
// # Repetition
//
// Each operation can be repeated after an error, and continues: an import skips turns that
// are there, and a deletion finds less to delete. A purge keeps its counts with the tenant's
// registration, which it deletes last.
//
// # Files
//
// Used by all operations:
//
//   - archive.go: options and defaults; the Archive.
//   - opened_storage.go: opening a tenant's storage; refusing a plugin that does not know
//     whose turns it has.
//   - retry.go: which calls are repeated, for how long, with what pauses.
//   - tenant_lock.go: one deletion of a tenant at a time.
//   - memory.go: deleting from the tenant's memory.
//
// Export and import:
//
//   - format.go: the types of lines, and the bounds of a line and a turn.
//   - encoder.go: writing lines; truncating turns that are too large.
//   - decoder.go: reading lines; refusing what cannot be one.
//   - export.go: the order of an export, its pages, and what is hidden.
//   - export_user.go: which turns belong to one user's export.
//   - export_config.go: leaving secrets out of the exported configuration.
//   - import.go: options, counts and error messages of an import.
//   - importer.go: which line may follow which.
//   - import_batch.go: how many turns are stored at once; what becomes of running turns.
//   - import_target.go: which storage an import writes to; registering a missing tenant.
//   - turn_validation.go: which imported turns are refused.
//   - long_lines.go: how many long lines are held at once.
//
// Deletion:
//
//   - erase.go: deleting a tenant's or a user's conversations.
//   - purge.go: deleting a tenant with its registration.
//   - receipt.go: what a purge keeps of what it deleted.
//   - deleter.go: deleting in every storage, step by step; the second sweep for late writes.
//   - deletion_options.go: abandoned storages, and progress.
//   - deletion_counts.go: counts by incarnation and storage.
//
// Retention (retention_days):
//
//   - retention.go: when a pass is made, and how it is throttled.
//   - retention_queue.go: which tenant and storage are next; when a storage is given up.
//   - retention_visit.go: which conversations of one tenant are deleted.
package archive
