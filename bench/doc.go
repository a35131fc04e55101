// Command bench measures a real host: the botyard binary and its plugins, driven over HTTP from this
// process. It compares the host with the floor and with bare go-plugin calls. The floor is a single
// process that serves the same turns with the packages of host and plugins. docs/performance.md
// explains the figures.
//
// The flag --only selects parts of a run. The parts and their files are:
//
//   - turns: closed_loop.go, closed loops of host and floor.
//   - open: open_loop.go, turns that arrive at random.
//   - echo, plugin, providers, library: calls.go, the bare go-plugin call, the plugin manager, the plugins
//     of providers, and the host embedded in a program.
//   - messages, tenants: messages.go and sweep_points.go, longer conversations and more
//     tenants.
//   - storages: storages.go, hosts on SQLite and Postgres beside bare pgx.
//   - registry: registry.go, starts with many registered tenants.
//   - depth: depth.go, Begin in very long conversations.
//   - counting: counting.go, what metrics cost.
//   - builds: builds.go, this build compared with another.
//
// The parts share these files:
//
//   - main.go, parts.go: flags, the list of parts, and how much work each size of run has.
//   - subject.go: the subjects of measurements: a host, the floor, or bare pgx.
//   - paired_runs.go: comparing the CPU of two hosts, in pairs of short rounds.
//   - database.go: a Postgres server for this run alone.
//   - environment.go: environment variables of the processes under test.
//   - profile.go: CPU profiles of host, plugins and floor.
//   - subprocess.go: the roles of this program when it starts itself.
//   - import_rules_test.go: which module may import which.
//
// The folders are: cmd/soak puts load on a host and checks each turn; cmd/siege attacks a host;
// cmd/botyard* are the host and the plugins with profiling. internal/hostproc starts hosts, internal/load
// sends turns, internal/floor is the floor, internal/barepgx runs turns with pgx alone, internal/echocall
// measures the bare call, internal/plugincall measures the plugin manager, internal/providercall measures the plugins of providers, internal/library measures the embedded host, internal/fill fills storages,
// internal/hostile has hostile servers and documents, internal/leakcheck finds leaks under load,
// internal/procfs reads /proc, internal/profile collects profiles, internal/report writes the report.
package main
