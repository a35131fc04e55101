// Package registry knows the tenants and keeps their bots. A bot is built when it
// is first asked for, kept in an LRU with a maximum size and a time to live, and
// released when it left the cache and its last turn ended. Looking up a cached bot
// calls nothing and waits for nobody; bots of different tenants are built side by
// side, that of one tenant once.
package registry
