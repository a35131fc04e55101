// Package archive does what is done to the whole of a tenant, or of one of its users:
// it exports conversations and takes them in again, erases and purges them, and deletes
// what is older than the tenant keeps it. It works on every storage that the present
// life of the tenant was written to, also when no bot of the tenant is there, and on
// tenants that are removed.
//
// # The form of an export
//
// An export is lines of JSON, each an object whose "type" says what it is: "export"
// with the version of the form, "tenant" with the configuration (not in that of one
// user), then each "conversation" followed by its "turn"s, and "end" with the counts.
// One that does not end so is cut off. A line of the type "error" says why.
//
// Nothing here holds more than a page of turns; who reads slowly is waited for.
//
// # Repeating
//
// What was interrupted is repeated as it was asked for: turns that are there are left
// out of an import, and what is deleted is deleted. A purge keeps what it has counted
// with the registration of the tenant, which is the last that goes.
package archive
