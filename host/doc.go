// Package host is the bot host as a library: [Open] returns a [Host], and [Host.Bot] a
// tenant's bot, ready to chat. The program botyard is a thin caller of this package.
//
// # What Open does
//
// Each step needs those before it. If one fails, Open closes what it has opened.
//
//	load                read the host's files; Preflight; find or make the host's key
//	newHost             the name of this run, leases without turns
//	plugins.New         find the plugins; their processes start when they are needed
//	openTenantStore     open the storage of registry.storage, if the host file names one
//	registry.New        the registry of tenants; tenants of files are not in it yet
//	newMetrics          before any bot is built
//	newArchive          export, import, erasure, retention
//	followTenantStore   wait 3 seconds at most for the registered tenants; then poll
//	CheckDefaults       the tenant defaults of the host file, against their plugins
//	followTenants       register the tenants of the tenant folders; then follow files and plugins
//	Warnings            log what the operator should know
//	archive.Run         delete conversations that are older than their tenants keep them, in
//	                    regular runs
//
// # What Close does
//
//	endBackground       ends all goroutines that follow something, and waits for them
//	registry.Close      waits for the turns that run, until its context ends; releases the bots
//	leases.Close        stops renewing
//	manager.Close       ends the plugin processes, in 5 seconds at most
//	registryStorage     closes its instance
//
// # Who owns what
//
// The Host owns the plugins, the registry, the archive, the metrics, the leases and all
// goroutines that are not a caller's. The registry owns the bots, and with each the plugin
// instances that buildBot opened for it. A caller owns the lease on a bot that Host.Bot gives
// it, and releases it. A bot owns none of its parts; see package bot.
//
// # The files
//
//	host.go              Host, Open, Close: the order of the start and of the end
//	options.go           Options: what a program sets, and which settings that replaces
//	load.go              reads the host's files and key at the start; warns of readable secrets
//	preflight.go         why a host may not start although its files are right; warnings
//	trusted_files.go     which files other users may not change or read
//	host_key.go          finds the host's key; a key that did not seal the data is refused
//	reload.go            reads the host's files again, and applies them or changes nothing
//	tenant_check.go      how a tenant's settings are checked
//	trial.go             Trial: settings are tried with their plugins before they are accepted
//	tenant_files.go      puts the tenants of the tenant folders into the registry
//	tenant_secrets.go    whether a tenant's secrets are missing, or have changed
//	registry_storage.go  the storage that keeps registered tenants; when one of its secrets
//	                     changes, it is opened again
//	bot_build.go         builds a tenant's bot from plugin instances
//	plugin_instance.go   how an instance is opened for a block of a tenant
//	plugin_changes.go    what happens to refused tenants when a plugin changes
//	current_config.go    tells the plugin manager which configuration a tenant has now
//	archive.go           opens storages and memories for the archive
//	metrics.go           which parts of the host the metrics read
package host
