// Package tenantdir follows folders of tenant files: each file is the configuration of one
// tenant. A valid file is applied. If a file is not valid, its tenant is served with its last
// good configuration, even after a restart. If a file is removed, its tenant is dropped. But if
// very many are removed at once, the folder has probably disappeared, and the tenants are held.
//
// # Life of a file
//
// A scan compares the folders with what it knows. A file that is new or changed is pending
// until it has not changed for timing.settle; then it is applied: read, parsed, and given to
// the Target. If that fails, the file is refused, and the tenant is served with its last
// good document. A file that is missing for timing.gone is removed: its tenant is dropped or, if
// too many are missing, held (served until somebody confirms the removal).
//
// # Concurrency
//
// All state of a Follower is under its mu. A scan holds mu, but releases it while it waits
// for files that are being applied. Applying a file does not hold mu. One tenant's files are
// applied one at a time, those of several tenants at once.
//
// # Files
//
//   - follower.go: Follower, its options and delays; the interface of a Target.
//   - load.go: the first read at the start; which tenants the last run served.
//   - run.go: when the folders are scanned next.
//   - scan.go: one scan of all folders; the short check of pending files between scans.
//   - snapshot.go: what a scan found: files, unreadable and ignored ones; when a file counts as
//     changed.
//   - folder_listing.go: listing a folder whose file system may not answer.
//   - file_name.go: which names are tenant files, and which only look like one.
//   - ignored.go: lists the files that are not used for a tenant, and why.
//   - file_state.go: the state of each file and tenant; how it changes when a file appears or
//     disappears.
//   - apply_queue.go: when a pending file is applied; which of two files of a tenant counts; how
//     many are applied at once, and how long a scan waits for them.
//   - apply.go: applying one file, and falling back to the last good document.
//   - retry_refused.go: applies refused files again.
//   - removal.go: dropping tenants whose files are gone, or holding them.
//   - last_good.go: the sealed last good documents on disk.
//   - watcher.go: file system notifications.
package tenantdir
