// Package tenantdir follows the folders of tenant files: a good file is applied, a
// bad one leaves the last good revision serving, also over a restart, and one that
// is gone stops its tenant, unless so many are gone at once that the folder itself
// is more likely to be.
package tenantdir
