package pgstore

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/invopop/jsonschema"
)

// Config is the block conversation_storage with backend = "postgres". A key is an endpoint if it
// decides where a password is sent, who can read the password on the way, or whose functions run
// with the rights of the login. When a tenant changes an endpoint, the host does not send the
// operator's secrets there.
type Config struct {
	Connection Connection `json:"connection,omitzero" botyard:"operator-only" jsonschema_description:"Where the database is and who logs in. These keys go over those of dsn."`
	DSN        string     `json:"dsn,omitempty" botyard:"secret,endpoint,operator-only" jsonschema_description:"The same as a URL, postgres://user:password@host/database, or as words, host=... user=... . It names no files: certificates belong under tls."`
	ListenDSN  string     `json:"listen_dsn,omitempty" botyard:"secret,endpoint,operator-only" jsonschema_description:"A direct way to the same database, for noticing changed tenants at once when the connection leads through a pooler such as PgBouncer."`
	TLS        TLS        `json:"tls,omitzero" botyard:"operator-only" jsonschema_description:"How connections over TCP are protected."`
	Schema     string     `json:"schema,omitempty" botyard:"endpoint,noaddress,operator-only" jsonschema:"default=botyard,pattern=^[a-z_][a-z0-9_]*$,maxLength=48" botyard_expected:"small letters, digits and _, and no digit in front" jsonschema_description:"Schema that holds the tables. It is made if the login may."`

	PoolSize         int     `json:"pool_size,omitempty" botyard:"operator-only" jsonschema:"default=20,minimum=1,maximum=1000" jsonschema_description:"How many connections are kept once they were needed."`
	MaxOverflow      int     `json:"max_overflow,omitempty" botyard:"operator-only" jsonschema:"default=10,minimum=0,maximum=1000" jsonschema_description:"How many more there may be while all are busy; they are closed when idle."`
	ConnectTimeout   float64 `json:"connect_timeout,omitempty" botyard:"operator-only" jsonschema:"default=5,exclusiveMinimum=0,maximum=300" jsonschema_description:"Seconds to connect to one host."`
	StatementTimeout float64 `json:"statement_timeout,omitempty" botyard:"operator-only" jsonschema:"default=10,exclusiveMinimum=0,maximum=3600" jsonschema_description:"Seconds that a statement may take in the database. Deletions have five minutes, and branches one, if that is longer."`
}

// Connection is the address of the database and the login. The DSN supplies the keys that are not
// set. The defaults are host localhost, port 5432, user postgres, and a database with the name of
// the user.
type Connection struct {
	Host     Hosts  `json:"host,omitempty" botyard:"endpoint" jsonschema_description:"Name, address or folder of a unix socket; or a list of them, of which one that takes writes is chosen. An entry may have its own port: name:port."`
	Port     int    `json:"port,omitempty" botyard:"endpoint" jsonschema:"minimum=1,maximum=65535" jsonschema_description:"Port of all hosts that do not name their own."`
	Database string `json:"database,omitempty" botyard:"endpoint,noaddress" jsonschema_description:"Name of the database."`
	User     string `json:"user,omitempty" jsonschema_description:"Who logs in. A superuser or a role with CREATEROLE makes the role botyard_app once, and all work is done as that."`
	Password string `json:"password,omitempty" botyard:"secret" jsonschema_description:"The user's password."`
}

// TLS configures the encryption of TCP connections. Certificates are PEM texts. A configuration
// usually has references to files with these texts.
type TLS struct {
	Mode string `json:"mode,omitempty" botyard:"endpoint,noaddress" jsonschema:"enum=disable,enum=prefer,enum=require,enum=verify-ca,enum=verify-full" jsonschema_description:"As libpq's sslmode, which the DSN may have instead; else prefer, or verify-full with a ca."`
	CA   string `json:"ca,omitempty" botyard:"secret,endpoint,noaddress" jsonschema_description:"Certificates, PEM, of who may sign the server's; else the system's."`
	Cert string `json:"cert,omitempty" botyard:"secret" jsonschema_description:"Certificate, PEM, to log in with."`
	Key  string `json:"key,omitempty" botyard:"secret" jsonschema_description:"Its private key, PEM."`
}

// Hosts is a host name or a list of host names. In JSON it is a string or an array of strings.
type Hosts []string

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Hosts) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*h = Hosts{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
		return errors.New("connection.host must be a text or a list of texts")
	}
	*h = list
	return nil
}

// JSONSchema returns the schema of the JSON value. The package jsonschema calls it.
func (Hosts) JSONSchema() *jsonschema.Schema {
	least, most, one := uint64(1), uint64(maxHosts), uint64(1)
	text := &jsonschema.Schema{Type: "string", MinLength: &one}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, {Type: "array", Items: text, MinItems: &least, MaxItems: &most}}}
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

// Validate implements sdk.Validator. It parses the connection strings, and connects to nothing.
func (c *Config) Validate(env sdk.Env) error {
	_, err := c.poolConfig(c.DSN, "dsn", c.Connection, env.Dialer, nil)
	errs := []error{c.check(), err}
	if c.ListenDSN != "" {
		_, err := c.poolConfig(c.ListenDSN, "listen_dsn", Connection{}, env.Dialer, nil)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check returns a fault.Invalid for each value that the published schema refuses, joined. The check
// is necessary because a Go caller can pass a Config that no host has validated.
func (c *Config) check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fault.New(fault.Invalid, format, args...).At(key).By(fault.PartyTenant))
	}
	switch {
	case !schemaName.MatchString(c.Schema):
		bad("schema", "a schema's name has small letters, digits and _, at most 48, and no digit in front")
	case strings.HasPrefix(c.Schema, "pg_") || c.Schema == "information_schema":
		bad("schema", "%s is a schema of the server's own; name another", c.Schema)
	}
	if c.PoolSize < 1 || c.PoolSize > 1000 {
		bad("pool_size", "must be 1 to 1000")
	}
	if c.MaxOverflow < 0 || c.MaxOverflow > 1000 {
		bad("max_overflow", "must be 0 to 1000")
	}
	if c.ConnectTimeout <= 0 {
		bad("connect_timeout", "must be more than 0")
	}
	if c.StatementTimeout <= 0 {
		bad("statement_timeout", "must be more than 0")
	}
	return errors.Join(errs...)
}

// seconds returns a number of seconds as a Duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
