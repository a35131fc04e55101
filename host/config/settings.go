package config

import (
	"path/filepath"
	"time"
)

// Settings are the keys of the host file: each field is one key, and its tags are all that
// is written of it. The tags are those of package sdk/schema, and these:
//
//   - applies says when a changed value counts: "reload", "process start" or "restart". A
//     block with this tag counts as one key.
//
// Paths are as [LoadHost] made them: relative ones were relative to the host file's folder.
// A Settings is not changed once it was made.
type Settings struct {
	Listen  string `json:"listen" applies:"restart" jsonschema:"minLength=1,default=127.0.0.1:8080" jsonschema_description:"Address and port to serve HTTP on."`
	DataDir string `json:"data_dir" applies:"restart" jsonschema:"minLength=1,default=data" jsonschema_description:"Folder of what the host keeps itself, such as its key."`
	// HostKey is the reference as it is written. [Host.HostKey] returns the key.
	HostKey string `json:"host_key" applies:"restart" botyard:"secret" jsonschema:"minLength=1" jsonschema_description:"Reference to the host's own key, instead of 'data_dir/host.key': 32 random bytes in a file, or as text in base64 or hexadecimal. It is read at the start."`
	// SecretsDir is empty where no tenant may refer to a file.
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
	Limits        Limits           `json:"limits"` // no tenant has more
	// Plugins are the blocks by kind and name. [Settings.Plugin] has the defaults too.
	Plugins PluginBlocks `json:"plugin"`
	// Defaults are merged by baseMerge, see base_merge.go.
	Defaults ReadElsewhere[map[string]any] `json:"defaults" applies:"reload" jsonschema_description:"What every tenant inherits: a tenant file's keys."`
	// TenantPolicy is read by readPolicies.
	TenantPolicy ReadElsewhere[policyKeys] `json:"tenant_policy"`
	// Plans are read by readPlans.
	Plans ReadElsewhere[map[string]planKeys] `json:"plan" applies:"reload" botyard:"open" botyard_names:"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$" jsonschema_description:"What the tenants that name the plan inherit, on top of the defaults: a tenant file's keys."`
}

// ReadElsewhere is the type of a key whose value is not in the [Settings]: it is a secret, or is
// merged or read for each tenant. Its schema is that of T. The field's comment names what
// reads it.
type ReadElsewhere[T any] struct{}

// JSONSchemaAlias returns a T: the key has its schema.
func (ReadElsewhere[T]) JSONSchemaAlias() any { return *new(T) }

func (ReadElsewhere[T]) readElsewhere() {}

// elsewhere is what every [ReadElsewhere] is.
type elsewhere interface {
	JSONSchemaAlias() any
	readElsewhere()
}

// EgressSettings say where a tenant's own settings may lead.
type EgressSettings struct {
	Tenants string   `json:"tenants" applies:"reload" jsonschema:"enum=public,enum=none,enum=any,default=public" jsonschema_description:"Where what a tenant's own settings name may lead: 'public' is addresses of the public internet and what 'allow' lists, 'none' what 'allow' lists alone, 'any' everywhere. The operator's own layers, the tenant's file among them, may lead everywhere."`
	Allow   []string `json:"allow" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=300" jsonschema_description:"What tenants' own settings may lead to beside: an address, a network ('10.0.0.0/8'), a host ('db.internal') or all below one ('*.internal'), each but the network with a port if only that is meant ('db.internal:5432'), or the path of a unix socket or of its folder. A host that is listed may have any address."`
}

// AuthSettings say who may call the host.
type AuthSettings struct {
	// Mode is AuthNone or AuthToken.
	Mode string `json:"mode" applies:"restart" jsonschema:"enum=none,enum=token,default=none" jsonschema_description:"Who may call: 'none' is everybody who reaches the host, which then listens on loopback only; 'token' is who has one of the two tokens."`
	// The tokens are read by [Host.Tokens].
	GatewayToken ReadElsewhere[string] `json:"gateway_token" applies:"reload" botyard:"secret" jsonschema_description:"Bearer token of '/api/v1/*', for the gateway that sets X-Tenant-ID: at least 16 bytes. A token that is a file's is read again when the file changes."`
	AdminToken   ReadElsewhere[string] `json:"admin_token" applies:"reload" botyard:"secret" jsonschema_description:"Bearer token of '/admin/v1/*'; another one than 'gateway_token'."`
}

// TLS says what the host is served with. Without files it is served without TLS.
type TLS struct {
	CertFile string `json:"cert_file" applies:"restart" jsonschema:"required,minLength=1" jsonschema_description:"PEM file of the certificate to serve HTTPS with, its chain after it. It is read again when it changes."`
	KeyFile  string `json:"key_file" applies:"restart" jsonschema:"required,minLength=1" jsonschema_description:"PEM file of the certificate's key."`
}

// HTTP bounds what all tenants and callers together can have the host hold for them. The bounds and
// defaults are those of package bounds, which a test holds.
type HTTP struct {
	Connections int   `json:"connections" applies:"reload" jsonschema:"minimum=16,maximum=1000000,default=4096" jsonschema_description:"Connections at once. One that waits for its next request gives way to a new one. Seven of eight can be at turns, half of those for one tenant."`
	BodyBytes   int64 `json:"body_bytes" applies:"reload" jsonschema:"minimum=104857600,maximum=1099511627776,default=134217728" jsonschema_description:"Bytes of bodies of '/api/v1' that the host holds at once, half of them for one tenant; what is over it is answered 429."`
	AnswerBytes int64 `json:"answer_bytes" applies:"reload" jsonschema:"minimum=104857600,maximum=1099511627776,default=134217728" jsonschema_description:"Bytes of pages of conversations that the host holds at once until they are read, half of them for one tenant; what is over it waits for 5 seconds, and is answered 429 then."`
}

// Metrics say what a host counts, and where it shows that.
type Metrics struct {
	Enabled         bool   `json:"enabled" applies:"restart" jsonschema:"default=true" jsonschema_description:"Whether the host counts and shows metrics, at '/metrics' for Prometheus."`
	Listen          string `json:"listen" applies:"restart" jsonschema:"minLength=1" jsonschema_description:"Address and port of their own for '/metrics', such as 127.0.0.1:9464; without TLS. On loopback no token is asked for; elsewhere the admin token is. Without it '/metrics' is on 'listen', for the admin token where 'auth.mode' is 'token'."`
	TenantLabel     bool   `json:"tenant_label" applies:"restart" jsonschema:"default=false" jsonschema_description:"Whether turns and tokens are counted by tenant too: whoever sees the metrics then sees the tenants' ids."`
	MaxTenantLabels int    `json:"max_tenant_labels" applies:"restart" jsonschema:"minimum=1,maximum=10000,default=100" jsonschema_description:"Tenants that have a label of their own at once. The others are counted together, as '@other'."`
}

// RegistrySettings are of the registered tenants and of their bots.
type RegistrySettings struct {
	CacheTTL     time.Duration `json:"cache_ttl" applies:"restart" jsonschema:"minimum=0,maximum=31536000,default=300" jsonschema_description:"Seconds that a bot is kept."`
	MaxCacheSize int           `json:"max_cache_size" applies:"restart" jsonschema:"minimum=1,maximum=10000000,default=1000" jsonschema_description:"Bots that are kept."`
	// Storage is read by [Host.RegistryStorage].
	Storage ReadElsewhere[storageSelector] `json:"storage" applies:"restart" botyard:"open" jsonschema_description:"Storage of the tenants that are registered over the API. Without it they are gone when the host stops."`
}

// storageSelector is what the host knows of a storage's block. The plugin has the other keys.
type storageSelector struct {
	Backend string `json:"backend" jsonschema:"required,minLength=1" jsonschema_description:"Name of a storage plugin that keeps tenants; it defines the other keys. Hosts that name the same one share their tenants."`
}

// PluginBlocks are the blocks plugin.KIND.NAME, by kind and name.
type PluginBlocks map[string]map[string]PluginSettings

// JSONSchemaAlias returns the kinds: each is a map of blocks.
func (PluginBlocks) JSONSchemaAlias() any {
	return struct {
		LLM       map[string]PluginSettings `json:"llm"`
		Memory    map[string]PluginSettings `json:"memory"`
		Storage   map[string]PluginSettings `json:"storage"`
		Knowledge map[string]PluginSettings `json:"knowledge"`
	}{}
}

// PluginSettings are what the operator says of one plugin.
type PluginSettings struct {
	MaxCalls int `json:"max_calls" applies:"reload" jsonschema:"minimum=1,maximum=1000000,default=256" jsonschema_description:"Calls to one process at once. Where several configurations share it, one gets another call only while more are free than it has: half at most."`
	// Isolation waits for a restart where the plugin is in use; the plugin manager knows.
	Isolation    string        `json:"isolation" applies:"restart" jsonschema:"enum=shared,enum=tenant,default=shared" jsonschema_description:"One process for all tenants, or one for each."`
	StartTimeout time.Duration `json:"start_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=10" jsonschema_description:"Seconds that a start may take."`
	CallTimeout  time.Duration `json:"call_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=30" jsonschema_description:"Seconds that a call may take."`
	Env          []string      `json:"env" applies:"process start" jsonschema:"pattern=^[A-Za-z_][A-Za-z0-9_]*$" jsonschema_description:"Environment variables of the host that the plugin gets."`
	// SHA256 is in lower-case hex; empty for any binary.
	SHA256 string `json:"sha256" applies:"process start" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Sum of the binary; another one is not started."`
}

// policyKeys say what a tenant may set in its own settings: of a plan, or of all without one.
type policyKeys struct {
	Keys    []string       `json:"keys" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256,default=*" jsonschema_description:"Keys that a tenant may set in its own settings: 'llm.model' is one key with all below it, 'llm.*' what the schemas mark as the tenant's below 'llm', '*' all of that. Plugins are not in it, see 'plugins'."`
	Plugins selectableKeys `json:"plugins"`
}

// selectableKeys are the plugins of each kind that a tenant may select.
type selectableKeys struct {
	LLM       []string `json:"llm" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Memory    []string `json:"memory" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Storage   []string `json:"storage" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
	Knowledge []string `json:"knowledge" applies:"reload" jsonschema:"maxItems=1000,minLength=1,maxLength=256" jsonschema_description:"Plugins of this kind that a tenant may select in its own settings, beside the one that it has from the operator."`
}

// planKeys are the keys of a plan beside those of a tenant file.
type planKeys struct {
	TenantPolicy policyKeys `json:"tenant_policy"`
}

// Plugin returns the settings of a plugin. They are the defaults where the host's files do not
// name it.
func (s *Settings) Plugin(kind, name string) PluginSettings {
	if p, ok := s.Plugins[kind][name]; ok {
		return p
	}
	return pluginDefaults()
}

// readSettings returns the host's keys of a tree that was checked. Relative paths are relative
// to folder.
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

// pathBelow returns the path in the folder; an absolute path as it is.
func pathBelow(folder, path string) string {
	if path == "" || filepath.IsAbs(path) || folder == "" {
		return path
	}
	return filepath.Join(folder, path)
}
