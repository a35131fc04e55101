package config

import (
	"path/filepath"
	"time"
)

// Settings has the keys of the host file. Each field is one key, and the field's tags are the
// only definition of the key. Package sdk/schema documents the tags, except for this one:
//
//   - applies says when a changed value applies: "reload", "process start" or "restart". A
//     block with this tag is treated as one key.
//
// [LoadHost] joins relative paths with the folder of the host file. A Settings is not modified
// after that.
type Settings struct {
	Listen  string `json:"listen" applies:"restart" jsonschema:"minLength=1,default=127.0.0.1:8080" jsonschema_description:"Address and port to serve HTTP on."`
	DataDir string `json:"data_dir" applies:"restart" jsonschema:"minLength=1,default=data" jsonschema_description:"Folder of what the host keeps itself, such as its key."`
	// HostKey is the reference as written in the file. [Host.HostKey] returns the key.
	HostKey string `json:"host_key" applies:"restart" botyard:"secret" jsonschema:"minLength=1" jsonschema_description:"Reference to the host's own key, instead of 'data_dir/host.key': 32 random bytes in a file, or as text in base64 or hexadecimal. It is read at the start."`
	// SecretsDir is empty if tenants may not refer to files.
	SecretsDir    string           `json:"secrets_dir" applies:"reload" jsonschema_description:"Folder whose subfolder TENANT holds the files that a tenant's references reach."`
	PluginDirs    []string         `json:"plugin_dirs" applies:"restart" jsonschema:"minLength=1" jsonschema_description:"Folders of plugin binaries."`
	TenantDirs    []string         `json:"tenant_dirs" applies:"restart" jsonschema:"minLength=1" jsonschema_description:"Folders of tenant files."`
	AllowEnv      []string         `json:"allow_env" applies:"reload" jsonschema:"pattern=^[A-Za-z_][A-Za-z0-9_]*$" jsonschema_description:"Environment variables that tenants may refer to."`
	Egress        EgressSettings   `json:"egress"`
	ShutdownGrace time.Duration    `json:"shutdown_grace" applies:"reload" jsonschema:"minimum=0,maximum=31536000,default=20" jsonschema_description:"Seconds that requests at work, turns, imports and all others, get at a stop before they are cut off."`
	ShutdownDelay time.Duration    `json:"shutdown_delay" applies:"reload" jsonschema:"minimum=0,maximum=3600,default=0" jsonschema_description:"Seconds at a stop in which /readyz fails and everything is served as before, so that a balancer sees it before anything is refused; 5 fits most. 'dev' and 'demo' have none."`
	Auth          AuthSettings     `json:"auth"`
	TLS           TLS              `json:"tls"`
	HTTP          HTTP             `json:"http"`
	Metrics       Metrics          `json:"metrics"`
	Registry      RegistrySettings `json:"registry"`
	Limits        Limits           `json:"limits"` // defaults and maximum of every tenant's limits
	// Plugins has the blocks plugin.KIND.NAME. [Settings.Plugin] also returns defaults for
	// plugins without a block.
	Plugins PluginBlocks `json:"plugin"`
	// Defaults is merged for each tenant; baseMerge holds the merge.
	Defaults ReadElsewhere[map[string]any] `json:"defaults" applies:"reload" jsonschema_description:"What every tenant inherits: a tenant file's keys."`
	// TenantPolicy is read by Host.readPolicies.
	TenantPolicy ReadElsewhere[policyKeys] `json:"tenant_policy"`
	// Plans is read by Host.readPlans.
	Plans ReadElsewhere[map[string]planKeys] `json:"plan" applies:"reload" botyard:"open" botyard_names:"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$" jsonschema_description:"What the tenants that name the plan inherit, on top of the defaults: a tenant file's keys."`
}

// ReadElsewhere is the type of a key whose value [Settings] does not hold, because the value is a
// secret or is merged or read for each tenant. The schema of the key is the schema of T. The
// comment of the field names the function that reads the value.
type ReadElsewhere[T any] struct{}

// JSONSchemaAlias returns a zero T, from which the schema of the key is built.
func (ReadElsewhere[T]) JSONSchemaAlias() any { return *new(T) }

func (ReadElsewhere[T]) readElsewhere() {}

// elsewhere is implemented by every [ReadElsewhere], whatever its T.
type elsewhere interface {
	JSONSchemaAlias() any
	readElsewhere()
}

// EgressSettings says to which addresses a tenant's own settings may lead.
type EgressSettings struct {
	Tenants string   `json:"tenants" applies:"reload" jsonschema:"enum=public,enum=none,enum=any,default=public" jsonschema_description:"Where what a tenant's own settings name may lead: 'public' is addresses of the public internet and what 'allow' lists, 'none' what 'allow' lists alone, 'any' everywhere. The operator's own layers, the tenant's file among them, may lead everywhere."`
	Allow   []string `json:"allow" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=300" jsonschema_description:"What tenants' own settings may lead to beside: an address, a network ('10.0.0.0/8'), a host ('db.internal') or all below one ('*.internal'), each but the network with a port if only that is meant ('db.internal:5432'), or the path of a unix socket or of its folder. A host that is listed may have any address."`
}

// AuthSettings says which callers the API accepts.
type AuthSettings struct {
	// Mode is AuthNone or AuthToken.
	Mode string `json:"mode" applies:"restart" jsonschema:"enum=none,enum=token,default=none" jsonschema_description:"Who may call: 'none' is everybody who reaches the host, which then listens on loopback only; 'token' is who has one of the two tokens."`
	// GatewayToken and AdminToken are read by [Host.Tokens].
	GatewayToken ReadElsewhere[string] `json:"gateway_token" applies:"reload" botyard:"secret" jsonschema_description:"Bearer token of '/api/v1/*', for the gateway that sets X-Tenant-ID: at least 16 bytes. A token that is a file's is read again when the file changes."`
	AdminToken   ReadElsewhere[string] `json:"admin_token" applies:"reload" botyard:"secret" jsonschema_description:"Bearer token of '/admin/v1/*'; another one than 'gateway_token'."`
}

// TLS names the certificate with which the host serves HTTPS. Without these keys the host serves
// plain HTTP.
type TLS struct {
	CertFile string `json:"cert_file" applies:"restart" jsonschema:"required,minLength=1" jsonschema_description:"PEM file of the certificate to serve HTTPS with, its chain after it. It is read again when it changes."`
	KeyFile  string `json:"key_file" applies:"restart" jsonschema:"required,minLength=1" jsonschema_description:"PEM file of the certificate's key."`
}

// HTTP bounds the connections and the memory that the host spends on the requests of all tenants
// together. A test checks that the bounds and defaults equal those of package bounds.
type HTTP struct {
	Connections int   `json:"connections" applies:"reload" jsonschema:"minimum=16,maximum=1000000,default=4096" jsonschema_description:"Connections at once. One that waits for its next request gives way to a new one. Seven of eight can be at turns, half of those for one tenant."`
	BodyBytes   int64 `json:"body_bytes" applies:"reload" jsonschema:"minimum=104857600,maximum=1099511627776,default=134217728" jsonschema_description:"Bytes of bodies of '/api/v1' that the host holds at once, half of them for one tenant; what is over it is answered 429."`
	AnswerBytes int64 `json:"answer_bytes" applies:"reload" jsonschema:"minimum=104857600,maximum=1099511627776,default=134217728" jsonschema_description:"Bytes of pages of conversations that the host holds at once until they are read, half of them for one tenant; what is over it waits for 5 seconds, and is answered 429 then."`
}

// Metrics says which metrics a host counts, and where it serves them.
type Metrics struct {
	Enabled         bool   `json:"enabled" applies:"restart" jsonschema:"default=true" jsonschema_description:"Whether the host counts and shows metrics, at '/metrics' for Prometheus."`
	Listen          string `json:"listen" applies:"restart" jsonschema:"minLength=1" jsonschema_description:"Address and port of their own for '/metrics', such as 127.0.0.1:9464; without TLS. On loopback no token is asked for; elsewhere the admin token is. Without it '/metrics' is on 'listen', for the admin token where 'auth.mode' is 'token'."`
	TenantLabel     bool   `json:"tenant_label" applies:"restart" jsonschema:"default=false" jsonschema_description:"Whether turns and tokens are counted by tenant too: whoever sees the metrics then sees the tenants' ids."`
	MaxTenantLabels int    `json:"max_tenant_labels" applies:"restart" jsonschema:"minimum=1,maximum=10000,default=100" jsonschema_description:"Tenants that have a label of their own at once. The others are counted together, as '@other'."`
}

// RegistrySettings configures the storage of registered tenants and the cache of bots.
type RegistrySettings struct {
	CacheTTL     time.Duration `json:"cache_ttl" applies:"restart" jsonschema:"minimum=0,maximum=31536000,default=300" jsonschema_description:"Seconds that a bot is kept."`
	MaxCacheSize int           `json:"max_cache_size" applies:"restart" jsonschema:"minimum=1,maximum=10000000,default=1000" jsonschema_description:"Bots that are kept."`
	// Storage is read by [Host.RegistryStorage].
	Storage ReadElsewhere[storageSelector] `json:"storage" applies:"restart" botyard:"open" jsonschema_description:"Storage of the tenants that are registered over the API. Without it they are gone when the host stops."`
}

// storageSelector has the one key of a storage block that the host reads. The storage plugin
// defines all other keys.
type storageSelector struct {
	Backend string `json:"backend" jsonschema:"required,minLength=1" jsonschema_description:"Name of a storage plugin that keeps tenants; it defines the other keys. Hosts that name the same one share their tenants."`
}

// PluginBlocks has the blocks plugin.KIND.NAME, by kind and name.
type PluginBlocks map[string]map[string]PluginSettings

// JSONSchemaAlias returns a struct that lists the kinds, from which the schema of the key is
// built.
func (PluginBlocks) JSONSchemaAlias() any {
	return struct {
		LLM       map[string]PluginSettings `json:"llm"`
		Memory    map[string]PluginSettings `json:"memory"`
		Storage   map[string]PluginSettings `json:"storage"`
		Knowledge map[string]PluginSettings `json:"knowledge"`
	}{}
}

// PluginSettings is what the operator sets for one plugin.
type PluginSettings struct {
	MaxCalls int `json:"max_calls" applies:"reload" jsonschema:"minimum=1,maximum=1000000,default=256" jsonschema_description:"Calls to one process at once. Where several configurations share it, one gets another call only while more are free than it has: half at most."`
	// Isolation applies after a restart of the host if the plugin is already in use. The plugin
	// manager reports such a pending change.
	Isolation    string        `json:"isolation" applies:"restart" jsonschema:"enum=shared,enum=tenant,default=shared" jsonschema_description:"One process for all tenants, or one for each."`
	StartTimeout time.Duration `json:"start_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=10" jsonschema_description:"Seconds that a start may take."`
	CallTimeout  time.Duration `json:"call_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=30" jsonschema_description:"Seconds that a call may take."`
	Env          []string      `json:"env" applies:"process start" jsonschema:"pattern=^[A-Za-z_][A-Za-z0-9_]*$" jsonschema_description:"Environment variables of the host that the plugin gets."`
	// SHA256 is the checksum of the plugin's binary in lower-case hex. If it is empty, the host
	// accepts any binary.
	SHA256 string `json:"sha256" applies:"process start" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Sum of the binary; another one is not started."`
}

// policyKeys has the keys of a block tenant_policy, which says what tenants may set in their own
// settings. The block of a plan applies to the tenants of the plan, and the top-level block to
// all others.
type policyKeys struct {
	Keys    []string       `json:"keys" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256,default=*" jsonschema_description:"Keys that a tenant may set in its own settings: 'llm.model' is one key with all below it, 'llm.*' what the schemas mark as the tenant's below 'llm', '*' all of that. Plugins are not in it, see 'plugins'."`
	Plugins selectableKeys `json:"plugins"`
}

// selectableKeys lists, for each kind, the plugins that a tenant may select.
type selectableKeys struct {
	LLM       []string `json:"llm" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Memory    []string `json:"memory" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Storage   []string `json:"storage" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Knowledge []string `json:"knowledge" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
}

// planKeys has the keys that a plan has in addition to the keys of a tenant file.
type planKeys struct {
	TenantPolicy policyKeys `json:"tenant_policy"`
}

// Plugin returns the settings of a plugin. If the host's files have no block for the plugin, it
// returns the defaults.
func (s *Settings) Plugin(kind, name string) PluginSettings {
	if p, ok := s.Plugins[kind][name]; ok {
		return p
	}
	return pluginDefaults()
}

// readSettings returns the host's settings from a merged tree. Relative paths are joined with
// folder.
func readSettings(tree map[string]any, folder string) Settings {
	s := hostReader().Read(tree)
	for _, path := range []*string{&s.DataDir, &s.SecretsDir, &s.TLS.CertFile, &s.TLS.KeyFile} {
		*path = pathBelow(folder, *path)
	}
	for _, paths := range []*[]string{&s.PluginDirs, &s.TenantDirs} {
		for i, path := range *paths {
			(*paths)[i] = pathBelow(folder, path)
		}
	}
	return s
}

// pathBelow joins a relative path with folder. It returns an absolute or empty path unchanged.
func pathBelow(folder, path string) string {
	if path == "" || filepath.IsAbs(path) || folder == "" {
		return path
	}
	return filepath.Join(folder, path)
}
