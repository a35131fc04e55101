// Command bench measures a real host: the botyard binary and its plugins, driven over HTTP
// from this process. It compares the host with the floor, which has the same turns in one
// process, and with bare go-plugin calls. docs/performance.md explains the figures.
//
// Parts of a run, for --only, and the files that have them:
//
//   - turns: closed_loop.go, closed loops of host and floor.
//   - open: open_loop.go, turns that arrive at random.
//   - echo, library: calls.go, the bare go-plugin call, and the host embedded in a program.
//   - messages, tenants: messages.go and sweep_points.go, longer conversations and more
//     tenants.
//   - storages: storages.go, hosts on SQLite and Postgres beside bare pgx.
//   - registry: registry.go, starts with many registered tenants.
//   - depth: depth.go, Begin in very long conversations.
//   - counting: counting.go, what metrics cost.
//   - builds: builds.go, this build against another.
//
// What the parts share:
//
//   - main.go, parts.go: flags, the list of parts, and how much work each size of run has.
//   - subject.go: what is measured: a host, the floor, or bare pgx.
//   - paired_runs.go: comparing the CPU of two hosts, in pairs of short rounds.
//   - database.go: a Postgres of the run's own.
//   - environment.go: variables of the processes under test.
//   - profile.go: CPU profiles of host, plugins and floor.
//   - subprocess.go: what this program does when it starts itself.
//   - import_rules_test.go: which module may import which.
//
// Folders: cmd/soak puts load on a host and checks each turn; cmd/siege attacks one;
// cmd/botyard* are the programs under test. internal/hostproc starts hosts,
// internal/load sends turns, internal/floor is the floor, internal/barepgx the turns with
// pgx alone, internal/echocall the bare call, internal/library the embedded host,
// internal/fill fills storages, internal/hostile has hostile servers and documents,
// internal/leakcheck finds leaks under load, internal/procfs reads /proc,
// internal/profile collects profiles, internal/report writes the report.
package main
