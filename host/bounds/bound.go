package bounds

import (
	"fmt"
	"slices"
)

// Bound is one bound. It has a fixed value, or a key that sets it, or both. If it has both, the value
// is the highest that the key can set.
type Bound struct {
	// Name is short and in lower case, as in "open pages".
	Name string
	// What is bounded, in a sentence: how many of what, and whose.
	What string
	// Each is the bound for each single one of what What names: a tenant, a caller, an instance, a
	// turn. It is empty where only the sum is bounded.
	Each string
	// All is the bound for all tenants of a host together. It is empty where it follows from other
	// bounds. Then What says from which.
	All string
	// Key sets the bound: a key of the host or the tenant file, as in "limits.reply_bytes",
	// or of a plugin's block, as in "storage memory: max_bytes". It is empty where the bound is fixed.
	// The default is read from the schemas.
	Key string
	// Answer is what happens beyond the bound: the status, or what is dropped.
	Answer string
}

// Table returns all bounds, by theme and in the order of the documentation.
func Table() []Theme {
	return []Theme{
		{"Requests", slices.Clone(requests)},
		{"Turns", slices.Clone(turns)},
		{"Configuration", slices.Concat(configuration, plans)},
		{"Tenants and what accumulates", slices.Clone(tenants)},
		{"Plugins and upstreams", slices.Concat(processes, plugins)},
		{"Metrics", slices.Clone(metrics)},
	}
}

// Theme has the bounds of one section of the page.
type Theme struct {
	Title  string
	Bounds []Bound
}

// Bytes returns a size as people write it: 64 MiB, 300 KiB, 17 bytes.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
