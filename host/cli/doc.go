// Package cli is the command botyard. serve, dev and demo open a host and put
// package api before it; config reads files and asks the plugins for their
// schemas, without a host; tenant, plugin and chat talk to a running host, and to
// nothing else of this program.
package cli
