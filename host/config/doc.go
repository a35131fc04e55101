// Package config reads the host's and the tenants' configuration.
//
// A [Document] is one parsed source, HCL, YAML, JSON or a map, with the position
// of each key. [LoadHost] layers the host's sources (built-in defaults, host
// file, overlay file, environment) into a [Host]; [Host.Tenant] puts a tenant's
// document on top, checks the result against the schemas that the plugins
// advertise and gives the [Effective] configuration, of which every key knows
// which layer, file and line set it.
//
// What is wrong is never found one at a time: every function that reads or checks
// returns [Problems], all of them, each with the best position known.
//
// Secrets are references to an environment variable or a file, or literal texts.
// References stay what they are until [Host.Resolve]; literals are wrapped as
// soon as a schema says that their key is secret. No error, no Entry and no
// printed value of this package contains one. A tenant's references reach only
// the files of that tenant and the variables that the operator named, and a
// tenant that points an inherited configuration to another endpoint loses the
// secrets it inherited there.
//
// Hosts, documents and effective configurations are not changed once made and
// may be used by any number of goroutines.
package config
