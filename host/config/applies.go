package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Applies says when a host key that was changed in the files has its new value.
type Applies string

const (
	// AtReload: as soon as the files are read again and applied.
	AtReload Applies = "reload"
	// AtProcessStart: for a plugin's process that is started after the reload. One that
	// runs goes on with what it was started with.
	AtProcessStart Applies = "process start"
	// AtRestart: from the next start of the host.
	AtRestart Applies = "restart"
)

// PluginKey stands for the beginning of the keys of the blocks plugin.KIND.NAME.
const PluginKey = "plugin.KIND.NAME."

// PlanKey stands for a block plan.NAME with all that is in it.
const PlanKey = "plan.NAME"

// HostKey is one key of the host's own.
type HostKey struct {
	// Key is its path with dots. A key of a plugin's block begins with [PluginKey].
	// Each of registry.storage, defaults and plan is one key, with all that is below it.
	Key     string
	Applies Applies

	field []int // index of its field in Settings; set only for keys that apply at a restart
}

// hostKeyList returns every key of the host file, in the order of the fields of [Settings].
var hostKeyList = sync.OnceValue(func() []HostKey {
	return appendHostKeys(nil, reflect.TypeFor[Settings](), "", nil)
})

// appendHostKeys adds the keys of a block's struct. index is the field index of that struct in
// Settings; it is nil if Settings does not hold the values.
func appendHostKeys(keys []HostKey, block reflect.Type, prefix string, index []int) []HostKey {
	for i := range block.NumField() {
		f := block.Field(i)
		if f.Tag.Get("json") == "-" {
			continue
		}
		key := prefix + f.Tag.Get("json")
		at := append(slices.Clone(index), i)
		applies := Applies(f.Tag.Get("applies"))
		switch {
		case f.Type == reflect.TypeFor[PluginBlocks]():
			keys = appendHostKeys(keys, reflect.TypeFor[PluginSettings](), PluginKey, nil)
		case applies == "":
			inner := f.Type
			if e, ok := reflect.Zero(inner).Interface().(elsewhere); ok {
				inner, at = reflect.TypeOf(e.JSONSchemaAlias()), nil
			}
			if inner.Kind() != reflect.Struct {
				panic("the key " + key + " has no tag applies") // a test fails if a key has none
			}
			keys = appendHostKeys(keys, inner, key+".", at)
		default:
			_, isElsewhere := reflect.Zero(f.Type).Interface().(elsewhere)
			if applies != AtRestart || isElsewhere || prefix != "" && index == nil {
				at = nil
			}
			if key == planKey {
				key = PlanKey
			}
			keys = append(keys, HostKey{key, applies, at})
		}
	}
	return keys
}

// HostKeys returns every key of the host file and when a change of it applies.
func HostKeys() []HostKey { return slices.Clone(hostKeyList()) }

// AppliesOf returns when a change of the key applies, and false if it is not a key of the host.
// The key is written with all its parts, such as plugin.llm.echo.env.
func AppliesOf(key string) (Applies, bool) {
	if rest, ok := strings.CutPrefix(key, "plugin."); ok {
		if parts := strings.SplitN(rest, ".", 3); len(parts) == 3 {
			key = PluginKey + parts[2]
		}
	}
	if name, ok := strings.CutPrefix(key, planKey+"."); ok && name != "" {
		key = PlanKey
	}
	for _, k := range hostKeyList() {
		open := k.Key == defaultsKey || k.Key == registryStorage.String()
		if k.Key == key || open && strings.HasPrefix(key, k.Key+".") {
			return k.Applies, true
		}
	}
	return "", false
}

// PendingRestart returns the keys that apply at the next start of the host and differ
// between the files and the running host, in the order of [HostKeys]. It calls over on both
// settings before it compares them; over replaces what program options override. Keys of
// plugins' blocks are not returned: the plugin manager knows which of them are pending.
func PendingRestart(running, files *Host, over func(Settings) Settings) []string {
	was, now := over(running.Settings), over(files.Settings)
	var keys []string
	for _, k := range hostKeyList() {
		differs := k.field != nil && !sameValue(k.value(&was), k.value(&now))
		if k.Key == registryStorage.String() {
			differs = !running.IsRegistrySame(files)
		}
		if differs {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// AsApplied returns the settings of the files as a running host can apply them. Keys that
// apply at the next start keep the values of running.
func (s Settings) AsApplied(running Settings) Settings {
	for _, k := range hostKeyList() {
		if k.field != nil {
			k.value(&s).Set(k.value(&running))
		}
	}
	return s
}

// value returns the field of the key.
func (k HostKey) value(s *Settings) reflect.Value {
	return reflect.ValueOf(s).Elem().FieldByIndex(k.field)
}

// sameValue reports whether two values of a key are equal. An empty list equals a missing one.
func sameValue(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
