package config

import (
	"maps"
	"sync"

	sdkschema "github.com/botyard/botyard/sdk/schema"
)

// These are made from the structs that declare the keys, such as [Settings] and tenantKeys, when
// they are first used.
var (
	hostReader   = sync.OnceValue(newReader[Settings])
	tenantReader = sync.OnceValue(newReader[tenantKeys])

	limitReader  = sync.OnceValue(newReader[Limits])
	pluginReader = sync.OnceValue(newReader[PluginSettings])

	hostSchema   = sync.OnceValue(func() *Schema { return mustCompile(HostFileSchema()) })
	tenantSchema = sync.OnceValue(func() *Schema { return mustCompile(TenantFileSchema()) })

	pluginDefaults = sync.OnceValue(func() PluginSettings { return pluginReader().Read(nil) })
)

// HostFileSchema returns the JSON Schema of a host file, without what plugins say of their
// blocks. The caller does not change it.
func HostFileSchema() []byte { return hostReader().Schema() }

// TenantFileSchema returns the JSON Schema of a tenant file, without what plugins say of their
// blocks. The caller does not change it.
func TenantFileSchema() []byte { return tenantReader().Schema() }

// builtInDefaults returns the lowest layer. A null in a higher layer removes a key from it. The
// readers then still give the key its default.
func builtInDefaults() map[string]any {
	out := maps.Clone(hostReader().Defaults())
	out[defaultsKey] = tenantReader().Defaults()
	return out
}

// defaultLimits returns the defaults of the host's limits.
func defaultLimits() map[string]any { return limitReader().Defaults() }

func newReader[C any]() *sdkschema.Reader[C] {
	r, err := sdkschema.NewReader[C]()
	if err != nil {
		panic(err) // unreachable: our own structs, which every test reads
	}
	return r
}

func mustCompile(src []byte) *Schema {
	s, err := CompileSchema(src)
	if err != nil {
		panic(err) // unreachable, as in newReader
	}
	return s
}
