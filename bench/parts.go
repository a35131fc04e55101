package main

import (
	"context"
	"time"
)

// part is a piece of the run that can be left out.
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

// scale is how much work a run has; every loop of it is bounded.
type scale struct {
	warm     time.Duration // before each cell
	each     time.Duration // of a closed loop, and of a rate of the library
	rounds   int           // of loops that are compared
	open     time.Duration // of an open loop
	runs     int           // of each point of a sweep
	turns    int           // of a run of a sweep
	messages []int
	tenants  []int
	cached   []int

	first      int // tenants of a registry that have their first turn
	registered int // in a registry

	yards      int // pairs of hosts that are compared
	roundPairs int // of rounds, of such a pair
	pairTurns  int // of such a round

	pairs                             int // of turns, of a run
	shallow, deepSQLite, deepPostgres int // messages
}

var full = scale{
	warm: time.Second, each: 2 * time.Second, rounds: 3, open: 30 * time.Second,
	runs: 5, turns: 1600, messages: []int{10, 1000, 10_000}, tenants: []int{10, 10_000, 100_000},
	cached: []int{10, 1000, 10_000}, first: 1000, registered: 100_000,
	yards: 8, roundPairs: 80, pairTurns: 200,
	pairs: 300, shallow: 10_000, deepSQLite: 1_000_000, deepPostgres: 5_000_000,
}

var rough = scale{
	warm: 300 * time.Millisecond, each: 700 * time.Millisecond, rounds: 1, open: 5 * time.Second,
	runs: 3, turns: 800, messages: []int{10, 1000}, tenants: []int{10, 5000}, cached: []int{10, 1000},
	first: 200, registered: 10_000,
	yards: 2, roundPairs: 40, pairTurns: 200,
	pairs: 150, shallow: 1000, deepSQLite: 50_000, deepPostgres: 200_000,
}

// callers are those of closed loops.
var callers = []int{1, 8, 64}
