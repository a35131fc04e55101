// Package tenantdir follows folders of tenant files: each file is the configuration of one
// tenant. A good file is applied. A bad one leaves the last good configuration serving, over
// a restart too. A file that is removed ends its tenant, unless so many are removed at once
// that the folder is more likely to be gone than the tenants.
//
// # Life of a file
//
// A scan compares the folders with what it knows. A file that is new or changed is pending
// until it has not changed for timing.settle; then it is applied: read, parsed, and given to
// the Target. If that fails, the tenant's last good document serves, and the file is
// refused. A file that is missing for timing.gone is removed: its tenant is dropped, or held
// if too many are missing.
//
// # Concurrency
//
// All state of a Follower is under its mu. A scan holds mu, but releases it while it waits
// for files that are being applied. Applying a file does not hold mu. One tenant's files are
// applied one at a time, those of several tenants at once.
//
// # Files
//
//   - follower.go: options, delays, and what a Target has to do.
//   - load.go: the first read at the start; what served in the run before.
//   - run.go: when the folders are looked at next.
//   - scan.go: one look at all folders, and the short check of pending files in between.
//   - snapshot.go: what a look sees: files, unreadable and ignored ones; when a file counts
//     as changed.
//   - folder_listing.go: listing a folder whose file system may not answer.
//   - file_name.go: which names are tenant files, and which only look like one.
//   - ignored.go: the files that bring no tenant, and why.
//   - file_state.go: what is known of a file and a tenant; what a file that appears or
//     disappears changes; which of two files of a tenant counts.
//   - apply_queue.go: when a pending file is applied, how many at once, how long they are
//     waited for.
//   - apply.go: applying one file, and falling back to the last good document.
//   - retry_refused.go: having refused files applied again.
//   - removal.go: dropping tenants whose files are gone, or holding them.
//   - last_good.go: the sealed last good documents on disk.
//   - watcher.go: file system notifications.
package tenantdir
