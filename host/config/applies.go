package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Applies says when a host reads the new value of a key that the operator changed in the host's
// files.
type Applies string

const (
	// AtReload means that the new value applies as soon as a reload has applied the files.
	AtReload Applies = "reload"
	// AtProcessStart means that a plugin process that starts after the reload gets the new value.
	// A process that already runs keeps the old value.
	AtProcessStart Applies = "process start"
	// AtRestart means that the new value applies from the next start of the host.
	AtRestart Applies = "restart"
)

// PluginKey is the prefix that stands for "plugin.KIND.NAME." in [HostKey].Key, for every kind
// and every name.
const PluginKey = "plugin.KIND.NAME."

// PlanKey is the key that stands for every block plan.NAME and for all keys in such a block.
const PlanKey = "plan.NAME"

// HostKey is one key of the host file, with the time from which a changed value applies.
type HostKey struct {
	// Key is the path of the key, joined with dots. A key of a plugin's block begins with
	// [PluginKey]. Each of registry.storage, defaults and plan is listed as one key, which stands
	// for all keys below it.
	Key     string
	Applies Applies

	field []int // index of the key's field in Settings; nil for keys that do not apply at a restart
}

// hostKeyList returns every key of the host file, in the order of the fields of [Settings].
var hostKeyList = sync.OnceValue(func() []HostKey {
	return appendHostKeys(nil, reflect.TypeFor[Settings](), "", nil)
})

// appendHostKeys adds the keys of the struct type block. index is the field index of that struct
// in Settings. A nil index means that Settings does not hold the values.
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
				panic("the key " + key + " has no tag applies") // a test checks that every key has the tag
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

// HostKeys returns every key of the host file and when a changed value applies.
func HostKeys() []HostKey { return slices.Clone(hostKeyList()) }

// AppliesOf returns when a changed value of the key applies. It returns false if the host file
// has no such key. The key is written in full, such as plugin.llm.echo.env.
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

// PendingRestart returns the keys that apply at the next start of the host and whose values
// differ between the files and the running host, in the order of [HostKeys]. Before it compares,
// it passes both settings through over, which sets the values that program options replace. It
// leaves out the keys of plugins' blocks, because the plugin manager reports those.
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

// AsApplied returns the settings s of the files as a running host can apply them. Keys that apply
// at the next start of the host keep the values of running.
func (s Settings) AsApplied(running Settings) Settings {
	for _, k := range hostKeyList() {
		if k.field != nil {
			k.value(&s).Set(k.value(&running))
		}
	}
	return s
}

// value returns the field of s that holds the key.
func (k HostKey) value(s *Settings) reflect.Value {
	return reflect.ValueOf(s).Elem().FieldByIndex(k.field)
}

// sameValue reports whether two values of a key are equal. An empty list equals a missing list.
func sameValue(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
