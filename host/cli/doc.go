// Package cli is the command botyard.
//
// The commands serve, dev and demo open a host and serve its API. The commands config, doctor
// and storage read the host's files and ask the plugins for their schemas, without opening a
// host. The commands tenant, plugin, turn, chat and config reload send requests to a running
// host. To add a command, write its file and add it in root.go or in the file of its group.
//
// The command itself:
//
//   - root.go: decides the list of commands, and refuses empty arguments and flags
//   - exit_status.go: decides the exit status for an error
//   - version.go: the command version
//
// Commands that open a host:
//
//   - serve.go, dev.go, demo.go: the commands serve, dev and demo
//   - host_flags.go: the flags of a host, such as --config and --listen
//   - host_runner.go: starts a host; decides what each signal does, and how long a host may
//     take to stop
//   - dev_provider.go: decides which LLM provider dev and demo use
//   - ollama.go: how OLLAMA_HOST is read, and which models a server has
//
// Commands that read files without a host:
//
//   - config_files.go: loads the host file and the tenant files
//   - config_check.go, config_explain.go: the commands config check and config explain
//   - doctor.go: the list of the doctor's checks; the checks are in doctor_files.go (key,
//     secrets, certificate, data_dir), doctor_plugins.go (plugins, storages) and
//     doctor_machine.go (descriptors, disk space, memory, clock)
//   - plugin_conformance.go: the command plugin test
//   - storage.go: opens the storages of the host file; storage_migrate.go and
//     storage_backup.go: the commands storage migrate and storage backup
//
// Commands for a running host:
//
//   - remote_flags.go: the flags for the host's URL, token and certificate
//   - client.go: sends requests, and decodes responses and problems
//   - connection_error.go: decides the error for a request without a response
//   - config_reload.go, plugin.go, turn.go, chat.go: the commands config reload, plugin, turn
//     and chat
//   - chat_stream.go: reads the events of a streamed reply
//   - tenant.go: the list of the tenant commands, and the flag --as
//   - tenant_list.go, tenant_show.go, tenant_check.go, tenant_remove.go, tenant_history.go, tenant_diff.go,
//     tenant_export.go, tenant_import.go, tenant_erase.go, tenant_purge.go: one command each
//   - tenant_change.go: the commands tenant put and tenant patch
//   - tenant_rollback.go: the commands tenant rollback and tenant restore
//   - tenant_deletion.go: the confirmation and the progress of tenant erase and tenant purge
//
// Input and output:
//
//   - output.go: tables and JSON
//   - progress.go: the progress line on a terminal
//   - terminal.go: removes control characters from output to a terminal
//   - log.go: the log of a host that the command runs
//   - log_durations.go: durations in a JSON log
//   - async_writer.go: decides which log lines are dropped when the output is slow
package cli
