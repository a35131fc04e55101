// Package e2e tests the product as it is shipped: the botyard binary and its plugin
// binaries, as processes, over HTTP. The package has only tests.
//
// These files are shared by the tests:
//
//   - main_test.go: builds the binaries
//   - host_process_test.go: starts, signals and stops a host
//   - http_client_test.go: sends requests to a host; stream_test.go: reads a streamed reply;
//     command_test.go: runs botyard commands
//   - fake_ollama_test.go, gated_provider_test.go: fake Ollama servers; the second one can hold
//     back its replies; fake_openai_test.go: a fake server of chat completions
//   - fleet_test.go: several hosts on one Postgres; balancer_test.go: a load balancer
//   - load_generator_test.go: clients that send turns all the time; load_judge_test.go: the
//     check afterwards that every acknowledged turn is stored once, and in order
//   - fleet_survival_test.go: a test with load, a fault, and the check
//   - turn_probe_test.go: how soon the first turn succeeds after a fault
//
// The other files have the tests:
//
//   - start_test.go, stop_test.go, signals_test.go: the start and the stop of a host
//   - config_check_test.go: that config check and dry runs agree with serve and write
//     nothing
//   - reload_test.go: reloads of the host file; reload_keys_test.go: which keys a reload applies
//   - settings_bounds_test.go: settings at their bounds
//   - tenant_files_test.go, tenants_under_load_test.go: tenants that change while the host runs
//   - own_settings_test.go: tenants' own settings; inherited_secret_test.go: secrets that a
//     tenant must not send elsewhere; secret_files_test.go: secrets that change
//   - turns_test.go, large_conversation_test.go, garbled_reply_test.go: turns and their log;
//     conversation_turns_test.go: tool calls, retractions and branches on each storage;
//     turn_show_test.go: the command that shows a turn
//   - fallback_test.go: tenants with fallback models, and conversations that outgrow the context
//     of a model; provider_moves_test.go, provider_states_test.go: conversations that move
//     between providers and storages
//   - memory_following_test.go, memory_following_fleet_test.go, memory_following_outage_test.go:
//     memories that follow conversations; nested_plugins_test.go: memories with nested plugins
//   - isolation_test.go, conversation_owner_test.go: isolation of tenants and of users
//   - odd_ids_test.go: ids with any character on every route and command
//   - tls_and_tokens_test.go: a host that listens beyond loopback
//   - archive_test.go, fleet_purge_test.go: export, import, purge
//   - limits_test.go, breaker_test.go, noisy_neighbours_test.go, fairness_test.go,
//     many_tenants_test.go: limits, circuits and fairness
//   - disconnects_test.go: callers that disconnect, and callers that read slowly
//   - plugin_crash_test.go, plugin_recovery_test.go, crash_loop_test.go: plugins that crash
//     or hang; plugin_endurance_test.go: plugins that are killed and replaced again and again;
//     plugin_environment_test.go: what a plugin inherits from its host
//   - plugin_conformance_test.go, storage_conformance_test.go: the conformance kit on the
//     shipped binaries; plugin_test_command_test.go: the command botyard plugin test;
//     tenant_check_test.go: the check of a tenant's plugin instances
//   - postgres_outage_test.go, sqlite_outage_test.go, full_disk_test.go: storages that fail
//   - postgres_credentials_test.go: credentials per tenant and their rotation
//   - fleet_conversation_test.go, fleet_hosts_killed_test.go, fleet_promotion_test.go: hosts
//     that share a database
//   - metrics_test.go, log_output_test.go: metrics and logs of the host
//   - kubernetes_pod_test.go: a host in a pod
package e2e
