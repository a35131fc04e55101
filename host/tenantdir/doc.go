// Package tenantdir follows folders of tenant files. Each file is the configuration of one
// tenant. The package applies a valid file. If a file is invalid, its tenant is served with its
// last good configuration, even after a restart. If a file is removed, its tenant is dropped.
// If very many files are removed at once, the folder has probably disappeared, and their
// tenants are held.
//
// # Life of a file
//
// A scan compares the folders with the known files. A file that is new or changed is pending
// until it has not changed for timing.settle. Then the file is applied: read, parsed, and
// passed to the Target. If that fails, the file is refused, and the tenant is served with its
// last good document. A file that is missing for timing.gone is removed, and its tenant is
// dropped. If too many files are missing, their tenants are held instead: they are served until
// an operator confirms the removal.
//
// # Concurrency
//
// The mutex mu of a Follower guards all its state. A scan holds mu, and releases it while it
// waits for files that are being applied. Applying a file does not hold mu. The files of one
// tenant are applied one at a time. Files of several tenants are applied concurrently.
//
// # Files
//
//   - follower.go: Follower, its options and delays; the interface of a Target.
//   - load.go: the first read at the start; which tenants the last run served.
//   - run.go: when the folders are scanned next.
//   - scan.go: one scan of all folders; the short check of pending files between scans.
//   - snapshot.go: the result of reading the folders: files, unreadable files and ignored files;
//     when a file counts as changed.
//   - folder_listing.go: listing a folder whose file system may block.
//   - file_name.go: which names are tenant files, and which names only look similar.
//   - ignored.go: lists the files that are not used for a tenant, with the reasons.
//   - file_state.go: the state of each file and tenant; how it changes when a file appears or
//     disappears.
//   - apply_queue.go: when a pending file is applied; which of two files of a tenant is used; how
//     many files are applied at once, and how long a scan waits for them.
//   - apply.go: applying one file, and restoring the last good document.
//   - retry_refused.go: applies refused files again.
//   - removal.go: dropping or holding tenants whose files are missing.
//   - last_good.go: the sealed last good documents on disk.
//   - watcher.go: file system notifications.
package tenantdir
