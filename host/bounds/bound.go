package bounds

import (
	"fmt"
	"slices"
)

// Bound describes one bound. A bound has a fixed value, or a configuration key that sets the value,
// or both. If it has both, the fixed value is the maximum of the key.
type Bound struct {
	// Name is short and in lower case, such as "open pages".
	Name string
	// What is a sentence that says what is bounded: how many of what, and of which tenant or
	// caller.
	What string
	// Each is the bound for each single tenant, caller, instance or turn; the field What says which
	// of these. Each is empty if only the sum for all tenants is bounded.
	Each string
	// All is the bound for all tenants of a host together. It is empty if the sum follows from
	// other bounds, which the field What then names.
	All string
	// Key is the configuration key that sets the bound: a key of the host file or the tenant file,
	// such as "limits.reply_bytes", or a key of a plugin's block, such as "storage memory:
	// max_bytes". Key is empty if the bound is fixed. The default of the key is in its schema.
	Key string
	// Answer says what happens beyond the bound: the HTTP status, or what is dropped.
	Answer string
}

// Table returns all bounds by theme, in the order of docs/bounds.md.
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

// Theme has the bounds of one section of docs/bounds.md.
type Theme struct {
	Title  string
	Bounds []Bound
}

// Bytes returns a readable size, such as 64 MiB, 300 KiB or 17 bytes.
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
