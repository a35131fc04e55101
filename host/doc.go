// Package host is the bot host as a library: [Open] returns a [Host], and [Host.Bot] a
// tenant's bot, ready to chat. The program botyard is a thin caller of this package.
//
// # What Open does
//
// Each step needs the steps before it. If a step fails, Open closes all parts that it has opened.
//
//	load                read the host's files; Preflight; find or create the host's key
//	newHost             choose the name of this run; create the leases, without turns
//	plugins.New         find the plugin binaries; a process starts at its first call
//	openTenantStore     open the storage of registry.storage, if the host file names one
//	registry.New        create the registry; the tenants of files follow in followTenants
//	newMetrics          create the metrics, before any bot is built
//	newArchive          create the archive: export, import, erasure, retention
//	followTenantStore   wait at most 3 seconds for the registered tenants; then poll
//	CheckDefaults       check the tenant defaults of the host file against the plugins' schemas
//	followTenants       register the tenants of the tenant folders; then follow files and plugins
//	Warnings            log problems that do not stop the start
//	archive.Run         start to delete conversations beyond their tenant's retention period,
//	                    in regular runs
//	follower.Run        start to let memories follow conversations
//
// # What Close does
//
//	endBackground       stops the goroutines of the host, and waits for them
//	registry.Close      waits for running turns, at most until ctx ends; releases the bots
//	leases.Close        stops the renewal of leases
//	manager.Close       stops the plugin processes, within 5 seconds
//	registryStorage     closes the instance of the storage
//
// # Who owns what
//
// The Host owns the plugins, the registry, the archive, the metrics, the leases and the
// goroutines that it starts. The registry owns the bots and the plugin instances that buildBot
// opened for each bot. A caller owns the lease that Host.Bot returns, and releases it. A bot
// owns none of its parts; see package bot.
//
// # The files
//
//	host.go              Host, Open, Close: the order of start and shutdown
//	options.go           Options: what a program sets, and which keys of the files it replaces
//	load.go              reads the host's files and key at the start; warns of readable secret files
//	preflight.go         why a host may not start although its files are valid; warnings
//	trusted_files.go     which files other users may not change or read
//	host_key.go          finds the host's key; refuses a key that did not seal the host's data
//	reload.go            reads the host's files again, and applies them or changes nothing
//	tenant_check.go      how a tenant's settings are checked
//	trial.go             Trial: tries settings with their plugins before the host accepts them
//	instance_check.go    whether the instances of a tenant can do their work now
//	plugin_check.go      asks plugins what is wrong in the blocks of the host's files
//	tenant_files.go      registers the tenants of the tenant folders
//	tenant_secrets.go    whether a tenant's secrets are missing, or have changed
//	registry_storage.go  the storage of registered tenants; opens the storage again when one of
//	                     its secrets changes
//	bot_build.go         builds a tenant's bot from plugin instances
//	bot_models.go        the models of a bot; fallbacks are opened when a turn first asks them
//	plugin_instance.go   how an instance is opened for a block of a tenant
//	plugin_changes.go    checks refused tenants again when a plugin changes
//	current_config.go    tells the plugin manager which configuration a tenant has now
//	follow.go            opens what a memory follows of a tenant
//	archive.go           opens storages and memories for the archive
//	metrics.go           connects the metrics to the parts of the host
package host
