package main

import (
	"context"
	"time"
)

// part is a part of a run, which --only selects.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

var parts = []part{
	{"turns", (*bench).turns},
	{"open", (*bench).open},
	{"echo", (*bench).echo},
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

// scale is how much work a run does. Every loop is bounded.
type scale struct {
	warm     time.Duration // closed loop before each measurement
	each     time.Duration // each closed loop, and each rate of the library
	rounds   int           // loops of each subject that are compared; starts of a registry
	open     time.Duration // an open loop
	runs     int           // runs of each point of a sweep
	turns    int           // turns of such a run
	messages []int         // points of the sweep messages
	tenants  []int         // points of the sweep tenants
	cached   []int         // numbers of cached bots in the part library

	firstTurns int // tenants of a registry that have their first turn
	registered int // tenants of the large registry

	hostPairs  int // pairs of hosts that are compared
	roundPairs int // pairs of rounds of such a pair of hosts
	pairTurns  int // turns of such a round

	turnPairs                         int // pairs of turns of a run of the part depth
	shallow, deepSQLite, deepPostgres int // messages of its conversations
}

var full = scale{
	warm: time.Second, each: 2 * time.Second, rounds: 3, open: 30 * time.Second,
	runs: 5, turns: 1600, messages: []int{10, 1000, 10_000}, tenants: []int{10, 10_000, 100_000},
	cached: []int{10, 1000, 10_000}, firstTurns: 1000, registered: 100_000,
	hostPairs: 8, roundPairs: 80, pairTurns: 200,
	turnPairs: 300, shallow: 10_000, deepSQLite: 1_000_000, deepPostgres: 5_000_000,
}

var rough = scale{
	warm: 300 * time.Millisecond, each: 700 * time.Millisecond, rounds: 1, open: 5 * time.Second,
	runs: 3, turns: 800, messages: []int{10, 1000}, tenants: []int{10, 5000}, cached: []int{10, 1000},
	firstTurns: 200, registered: 10_000,
	hostPairs: 2, roundPairs: 40, pairTurns: 200,
	turnPairs: 150, shallow: 1000, deepSQLite: 50_000, deepPostgres: 200_000,
}

// callers are the numbers of callers of closed loops.
var callers = []int{1, 8, 64}
