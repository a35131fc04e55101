package config

import (
	"maps"
	"sync"

	sdkschema "github.com/botyard/botyard/sdk/schema"
)

// The schemas and readers are created at their first use from the structs that declare the keys,
// such as [Settings] and tenantKeys.
var (
	hostReader   = sync.OnceValue(newReader[Settings])
	tenantReader = sync.OnceValue(newReader[tenantKeys])

	limitReader  = sync.OnceValue(newReader[Limits])
	pluginReader = sync.OnceValue(newReader[PluginSettings])

	hostSchema   = sync.OnceValue(func() *Schema { return mustCompile(HostFileSchema()) })
	tenantSchema = sync.OnceValue(func() *Schema { return mustCompile(TenantFileSchema()) })

	pluginDefaults = sync.OnceValue(func() PluginSettings { return pluginReader().Read(nil) })
)

// HostFileSchema returns the JSON Schema of a host file. It does not contain the schemas of
// plugins. The caller must not modify the result.
func HostFileSchema() []byte { return hostReader().Schema() }

// TenantFileSchema returns the JSON Schema of a tenant file. It does not contain the schemas of
// plugins. The caller must not modify the result.
func TenantFileSchema() []byte { return tenantReader().Schema() }

// builtInDefaults returns the values of the lowest layer. If a null in a higher layer removes a
// key of the host, its reader still returns the default of the key.
func builtInDefaults() map[string]any {
	out := maps.Clone(hostReader().Defaults())
	out[defaultsKey] = tenantReader().Defaults()
	return out
}

// defaultLimits returns the default of each limit of the host.
func defaultLimits() map[string]any { return limitReader().Defaults() }

func newReader[C any]() *sdkschema.Reader[C] {
	r, err := sdkschema.NewReader[C]()
	if err != nil {
		panic(err) // unreachable: every test reads these structs
	}
	return r
}

func mustCompile(src []byte) *Schema {
	s, err := CompileSchema(src)
	if err != nil {
		panic(err) // unreachable: every test compiles these schemas
	}
	return s
}
