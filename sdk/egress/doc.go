// Package egress says where connections may lead, and makes them.
//
// A [Policy] is the rule: any address, public addresses only, or none, and a list of
// what is allowed beside. A [Dialer] holds it. It looks a name up once, judges every
// address that comes of it, and connects to the address that it judged: no second
// lookup can give another one. Whoever connects through it, for the first time, after a
// redirect, to the next of several hosts or once more, is held to the rule.
//
// A host gives a plugin's instance its Dialer in sdk.Env. A plugin that connects through
// nothing else says so with the capability sdk.CapEgress.
package egress
