// Package egress decides to which addresses connections may be made, and makes them.
//
// # Files
//
//	policy.go   Policy: which addresses are allowed, and the Refusal of the others
//	address.go  which addresses are not public, and odd spellings of addresses
//	dialer.go   Dialer: looks a name up, checks its addresses and connects
//	target.go   Targets: to which hosts and ports the text of a setting points
//
// A [Policy] allows any address, public addresses only, or none, and in addition those on
// its list. A [Dialer] enforces a Policy. It looks a name up once, checks every address of
// the name, and connects to an address that it checked. No second lookup can return another
// address. The Dialer checks every connection: the first one, one after a redirect, one to
// the next of several hosts, and a reconnection.
//
// A host gives each instance of a plugin a Dialer in sdk.Env. A plugin that makes all its
// connections with the Dialer declares the capability sdk.CapEgress.
package egress
