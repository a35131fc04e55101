package config

import (
	"pgregory.net/rapid"
)

// texts generates texts that parsers of different formats could read differently: quotes, braces,
// texts that look like another type, line ends, and texts that are not in Unicode normal form.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z0-9 ]{0,6}`),
		rapid.SampledFrom([]string{
			"", "true", "null", "~", "1", "0777", "1.0", "<<", "2001-01-01", "yes", "-", "*a", "&a", "!t", "#c", " x ", "a: b",
			`"`, `\`, `\n`, "a\nb\n", "a\tb", "${env:X}", "${x}", "$${x}", "%{if}", "{{a}}", "{{", "e\u0301", "é", "\u212b", "日本", "😀", "\u2028",
		}),
	)
}

func keys() *rapid.Generator[string] { return rapid.SampledFrom([]string{"a", "b", "c", "d-e", "f_1"}) }

func tree(depth int, nulls bool) *rapid.Generator[map[string]any] {
	scalars := []*rapid.Generator[any]{
		rapid.Map(texts(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { n, _ := normalFloat(f); return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	}
	if nulls {
		scalars = append(scalars, rapid.Just[any](nil))
	}
	values := rapid.OneOf(scalars...)
	if depth > 0 {
		values = rapid.OneOf(values,
			rapid.Map(tree(depth-1, nulls), func(m map[string]any) any { return m }),
			rapid.Map(rapid.SliceOfN(rapid.OneOf(scalars...), 0, 3), func(l []any) any { return l }))
	}
	return rapid.MapOfN(keys(), values, 0, 4)
}
