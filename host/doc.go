// Package host is the bot host as a library. Open reads the configuration, finds the plugins
// and registers the tenants of the tenant folders. Bot returns a tenant's bot, ready to chat.
// cmd/botyard is a thin caller of this package.
//
// The parts of a host have packages of their own: config, plugins, registry, tenantstore,
// tenantdir, bot, archive and api. The files here open them, join them and close them.
//
//   - host.go: Options, Host, Open and Close; in which order the parts are opened.
//   - preflight.go: for which settings a host does not start, and of which it warns.
//   - trusted_files.go: whose files the host trusts.
//   - key.go: the host's key: where it is, and when it does not fit the host's data.
//   - build.go: how a bot is built from a tenant's configuration; when its secrets have changed.
//   - probe.go: how plugins are asked whether they take a tenant's settings.
//   - wanted.go: which configuration a tenant has of a plugin now.
//   - tenants.go: how tenants of files, and tenants whose plugins changed, reach the registry.
//   - registry_storage.go: the storage of the tenant store, and how its secrets are replaced.
//   - reload.go: how the host's files are read again, and what then counts.
//   - archive.go: what export, erase and purge get from the host.
//   - metrics.go: what the metrics are read from.
package host
