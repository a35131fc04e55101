// Package host is the bot host as a library. Open reads the configuration, finds
// the plugins and registers the tenants of the tenant folders; Bot answers a
// tenant's bot, ready to chat. cmd/botyard is a thin caller of this package.
package host
