package config

import (
	"reflect"
	"slices"
)

// maxCompared bounds how many pairs of elements originsOf compares.
const maxCompared = 1 << 12

// noOrigin says that it is not known which element of the older list an element is.
const noOrigin = -1

// originsOf returns for each element of the list new that has a text "<secret>" the index of the element
// of old whose secrets it keeps, or noOrigin. The index alone does not tell: a caller may move, remove
// and insert elements. So originsOf compares what the caller was shown. An element is
//
//  1. the one at the same index, if no element with a "<secret>" was moved or changed
//  2. the one with the same values
//  3. the only one that is left, if no other element with a "<secret>" was changed
//
// If elements look alike and have different secrets, only the first rule tells them apart.
func originsOf(new, old sequence) []int {
	origins := make([]int, len(new))
	var hidden []int
	inPlace := len(new) >= len(old)
	for i := range new {
		origins[i] = noOrigin
		if hidesSecret(new[i].value) {
			hidden = append(hidden, i)
			inPlace = inPlace && i < len(old) && looksLike(new[i].value, old[i].value)
		}
	}
	switch {
	case inPlace:
		for _, i := range hidden {
			origins[i] = i
		}
		return origins
	case len(hidden)*len(old) > maxCompared:
		return origins
	}
	kept := make([]bool, len(old))
	var changed []int
	for _, i := range hidden {
		var alike []int
		for j := range old {
			if looksLike(new[i].value, old[j].value) {
				alike = append(alike, j)
			}
		}
		switch {
		case len(alike) == 0:
			changed = append(changed, i)
		case !slices.ContainsFunc(alike, func(j int) bool { return !sameValues(old[j].value, old[alike[0]].value) }):
			origins[i] = alike[0]
		}
		for _, j := range alike {
			kept[j] = true
		}
	}
	if len(changed) != 1 {
		return origins
	}
	left := noOrigin
	for j := range old {
		if kept[j] || !hasSecretsOf(new[changed[0]].value, old[j].value) {
			continue
		}
		if left != noOrigin {
			return origins
		}
		left = j
	}
	origins[changed[0]] = left
	return origins
}

// hidesSecret reports whether the value has a text "<secret>".
func hidesSecret(value any) bool {
	below := func(e entry) bool { return hidesSecret(e.value) }
	switch v := value.(type) {
	case mapping:
		return slices.ContainsFunc(v, below)
	case sequence:
		return slices.ContainsFunc(v, below)
	}
	return value == secretPlaceholder
}

// looksLike reports whether old is the same as value, if each text "<secret>" in value stands for any
// scalar.
func looksLike(value, old any) bool {
	switch v := value.(type) {
	case mapping:
		was, ok := old.(mapping)
		return ok && len(was) == len(v) && eachPair(v, was, looksLike)
	case sequence:
		was, ok := old.(sequence)
		if !ok || len(was) != len(v) {
			return false
		}
		for i := range v {
			if !looksLike(v[i].value, was[i].value) {
				return false
			}
		}
		return true
	}
	return isScalar(old) && (value == secretPlaceholder || sameScalar(value, old))
}

// hasSecretsOf reports whether old has a scalar for each text "<secret>" in value, whatever its other
// values are. Of lists in it originsOf decides.
func hasSecretsOf(value, old any) bool {
	switch v := value.(type) {
	case mapping:
		hiding := slices.DeleteFunc(slices.Clone(v), func(e entry) bool { return !hidesSecret(e.value) })
		was, ok := old.(mapping)
		return ok && eachPair(hiding, was, hasSecretsOf)
	case sequence:
		_, ok := old.(sequence)
		return ok
	}
	return isScalar(old)
}

// eachPair reports whether old has all keys of the map, and f returns true for the values of each.
func eachPair(values, old mapping, f func(value, old any) bool) bool {
	index := indexOf(old)
	for _, e := range values {
		i, ok := index[e.key]
		if !ok || !f(e.value, old[i].value) {
			return false
		}
	}
	return true
}

// indexOf returns the index of each key of the map.
func indexOf(m mapping) map[string]int {
	index := make(map[string]int, len(m))
	for i := range m {
		index[m[i].key] = i
	}
	return index
}

func isScalar(value any) bool {
	switch value.(type) {
	case mapping, sequence:
		return false
	}
	return true
}

// sameScalar reports whether two scalars are equal. A number equals itself in another type, because the
// formats of documents differ in that.
func sameScalar(a, b any) bool {
	x, xIs := a.(int64)
	y, yIs := b.(int64)
	switch {
	case xIs && !yIs:
		return any(float64(x)) == b
	case yIs && !xIs:
		return a == any(float64(y))
	}
	return a == b
}

// sameValues reports whether two values of documents are equal wherever they stand.
func sameValues(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }
