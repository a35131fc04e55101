// Package hostile is what somebody hostile can bring: servers that a tenant's settings
// name, which never do what their clients hope for, and documents at the edge of what is
// taken.
package hostile
