package main

import (
	"context"
	"time"
)

// part is a part of a run. The flag --only selects parts by name.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

var parts = []part{
	{"turns", (*bench).turns},
	{"open", (*bench).open},
	{"echo", (*bench).echo},
	{"plugin", (*bench).plugin},
	{"providers", (*bench).providers},
	{"library", (*bench).library},
	{"messages", (*bench).messages},
	{"tenants", (*bench).tenants},
	{"storages", (*bench).storages},
	{"registry", (*bench).registry},
	{"depth", (*bench).depth},
	{"counting", (*bench).counting},
	{"builds", (*bench).builds},
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// scale says how much work a run does.
type scale struct {
	warm     time.Duration // duration of the closed loop before each measurement
	each     time.Duration // duration of each closed loop, and of each rate in the part library
	rounds   int           // closed loops of each subject, or starts of a registry, whose median is reported
	open     time.Duration // duration of the open loop
	runs     int           // runs of each point of a sweep
	turns    int           // turns in each run of a sweep
	messages []int         // points of the sweep "messages"
	tenants  []int         // points of the sweep "tenants"
	cached   []int         // numbers of cached bots in the part library

	firstTurns int // tenants that have their first turn after a start, and tenants of the small registry
	registered int // tenants of the large registry

	callPairs, roundCalls int // pairs of rounds of calls of a plugin, and calls of a round
	kills, replacements   int // starts and kills of a plugin, and replacements of its file

	providerPairs, providerCalls int // pairs of rounds for each provider, and calls of each caller in a round

	hostPairs  int // pairs of hosts in a comparison
	roundPairs int // pairs of rounds for each pair of hosts
	pairTurns  int // turns of a round

	turnPairs                         int // pairs of turns in a run of the part depth
	shallow, deepSQLite, deepPostgres int // messages of the conversations in the part depth
}

var full = scale{
	warm: time.Second, each: 2 * time.Second, rounds: 3, open: 30 * time.Second,
	runs: 5, turns: 1600, messages: []int{10, 1000, 10_000}, tenants: []int{10, 10_000, 100_000},
	cached: []int{10, 1000, 10_000}, firstTurns: 1000, registered: 100_000,
	callPairs: 120, roundCalls: 640, kills: 40, replacements: 20,
	providerPairs: 40, providerCalls: 10,
	hostPairs: 8, roundPairs: 80, pairTurns: 200,
	turnPairs: 300, shallow: 10_000, deepSQLite: 1_000_000, deepPostgres: 5_000_000,
}

var rough = scale{
	warm: 300 * time.Millisecond, each: 700 * time.Millisecond, rounds: 1, open: 5 * time.Second,
	runs: 3, turns: 800, messages: []int{10, 1000}, tenants: []int{10, 5000}, cached: []int{10, 1000},
	firstTurns: 200, registered: 10_000,
	callPairs: 10, roundCalls: 320, kills: 5, replacements: 4,
	providerPairs: 6, providerCalls: 5,
	hostPairs: 2, roundPairs: 40, pairTurns: 200,
	turnPairs: 150, shallow: 1000, deepSQLite: 50_000, deepPostgres: 200_000,
}

// callers are the numbers of callers that closed loops are measured with.
var callers = []int{1, 8, 64}
