// Command siege attacks a host for a while. Ten well-behaved tenants, the neighbours, run turns beside
// hostile tenants. The attackers act as tenants, as callers, as a model provider and as a database
// server. The host and its plugins have a memory limit of 1 GiB.
//
// It ends with an error unless all of this holds: the host survives; every turn of a neighbour
// succeeds; the p99 of the neighbours' turns under attack is at most three times the p99 in quiet, as
// the median of three pairs of rounds; and a minute after the attack, goroutines, descriptors, memory,
// processes and instances are down to their numbers before the attack.
//
// The program starts itself twice: as the attackers (--attack) and as the hostile servers (--serve).
// Both run at idle priority, so that the host gets the processor first.
//
// Files:
//
//   - main.go: flags, the order of a siege, and what it requires.
//   - attacks.go: the list of attacks, and what each one sends.
//   - attackers.go: hostile tenants, the process of the attackers, and its loop over all attacks.
//   - hostile_servers.go: the process of the hostile servers.
//   - neighbours.go: the well-behaved tenants, their turns and latencies.
//   - memory_limit.go: the control group, and watching the memory if there is no control group.
//   - idle_priority_linux.go, idle_priority_other.go: running only while the processor is idle.
//   - client.go: the HTTP client.
package main
