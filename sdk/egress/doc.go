// Package egress decides to which addresses a program may connect, and opens the connections.
//
// # Files
//
//	policy.go   Policy: which addresses are allowed
//	refusal.go  Refusal: the error for an address that is not allowed
//	address.go  which addresses are not public, and odd spellings of addresses
//	lookup.go   looks up a name and checks its addresses
//	dialer.go   Dialer: connects to an address that was checked
//	target.go   Targets: the hosts and ports in the text of a setting
//
// A [Policy] allows any address, public addresses only, or none. It also allows the addresses on
// its list. A [Dialer] enforces a Policy. It looks up a name once, checks every address of the
// name, and connects to an address that it checked, so that a second lookup cannot return another
// address. The Dialer checks every connection: the first connection, a connection after a redirect,
// a connection to another of several hosts, and a reconnection.
//
// A host gives each instance of a plugin a Dialer in sdk.Env. A plugin that opens all its
// connections with the Dialer declares the feature feature.Egress.
package egress
