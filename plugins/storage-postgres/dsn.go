package pgstore

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// settings has the parameters of a DSN by name.
type settings map[string]string

// dsnWords lists the parameters that a DSN may have. Other parameters are refused, because they
// would make this process read files that a tenant must not choose, or because the configuration
// has a key for them.
var dsnWords = []string{"host", "port", "user", "password", "dbname", "sslmode", "application_name", "target_session_attrs",
	"options", "channel_binding"}

// parseDSN parses a DSN, which is a URL or a list of name=value parameters.
func parseDSN(dsn string) (settings, error) {
	s := settings{}
	var err error
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		err = s.addURL(dsn)
	} else {
		err = s.addWords(dsn)
	}
	if err != nil {
		return nil, err
	}
	if name, ok := s["database"]; ok { // pgx accepts this name as well
		delete(s, "database")
		s["dbname"] = name
	}
	for word := range s {
		if !slices.Contains(dsnWords, word) {
			// The message does not contain the name, because the name may be part of an unquoted
			// password.
			return nil, errors.New("has a word that is not taken here; there are " + strings.Join(dsnWords, ", "))
		}
	}
	return s, nil
}

// addURL parses postgres://user:password@host:port,host:port/database?name=value. It cuts the hosts
// out before it calls url.Parse, because a URL cannot have a list of hosts.
func (s settings) addURL(dsn string) error {
	scheme, rest, _ := strings.Cut(dsn, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	hosts := rest[:end]
	login := ""
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		login, hosts = hosts[:at+1], hosts[at+1:]
	}
	u, err := url.Parse(scheme + "://" + login + "host" + rest[end:])
	if err != nil {
		return errors.New("is no URL") // the error of url.Parse contains the password
	}
	if strings.Contains(u.EscapedPath(), "@") || u.Fragment != "" {
		// The URL has an unescaped password. A part of the password would be used as a database or
		// a host, and would appear in logs.
		return errors.New("is no URL of a database: in a user or password / ? # @ are written %2F %3F %23 %40")
	}
	if u.User != nil {
		s["user"] = u.User.Username()
		if password, ok := u.User.Password(); ok {
			s["password"] = password
		}
	}
	if hosts != "" {
		var names, ports []string
		for host := range strings.SplitSeq(hosts, ",") {
			name, err := url.PathUnescape(host)
			if err != nil {
				return errors.New("has a host that is no part of a URL")
			}
			name, port := splitHost(name)
			names, ports = append(names, strings.Trim(name, "[]")), append(ports, port)
		}
		s.setHosts(names, ports, "5432")
	}
	if database := strings.TrimPrefix(u.Path, "/"); database != "" {
		s["dbname"] = database
	}
	for word, values := range u.Query() {
		s[word] = values[len(values)-1]
	}
	return nil
}

// addWords parses name=value and name='quoted value' as libpq does. A backslash escapes the next
// character.
func (s settings) addWords(dsn string) error {
	malformed := errors.New("must be a URL, postgres://..., or words, name=value")
	rest := strings.TrimSpace(dsn)
	for rest != "" {
		word, value, ok := strings.Cut(rest, "=")
		if word = strings.TrimSpace(word); !ok || word == "" || strings.ContainsAny(word, " \t\n\r'") {
			return malformed // the error does not quote the text, which may be a password
		}
		value = strings.TrimLeft(value, " \t\n\r")
		quoted := strings.HasPrefix(value, "'")
		if quoted {
			value = value[1:]
		}
		var text strings.Builder
		i, closed := 0, false
		for ; i < len(value) && !closed; i++ {
			switch c := value[i]; {
			case c == '\\' && i+1 < len(value):
				i++
				text.WriteByte(value[i])
			case quoted && c == '\'', !quoted && strings.IndexByte(" \t\n\r", c) >= 0:
				closed = true
			default:
				text.WriteByte(c)
			}
		}
		if quoted && !closed {
			return malformed
		}
		s[word] = text.String()
		rest = strings.TrimSpace(value[i:])
	}
	return nil
}

// setHosts sets the hosts and their ports. A host without a port gets the given default port.
func (s settings) setHosts(names, ports []string, port string) {
	for i, p := range ports {
		if p == "" {
			ports[i] = port
		}
	}
	s["host"], s["port"] = strings.Join(names, ","), strings.Join(ports, ",")
}

// splitHost splits name:port. The returned port is empty if the entry has no port. An IPv6 address
// with a port must be in brackets.
func splitHost(entry string) (name, port string) {
	if strings.HasPrefix(entry, "/") {
		return entry, ""
	}
	if name, port, err := net.SplitHostPort(entry); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			return name, port
		}
	}
	return entry, ""
}

// mergeInto copies the keys of the connection into s, where they replace the parameters of the DSN.
func (c *Connection) mergeInto(s settings) error {
	port := s["port"]
	if c.Port != 0 {
		port = strconv.Itoa(c.Port)
	}
	switch {
	case len(c.Host) > 0:
		var names, ports []string
		for _, entry := range c.Host {
			name, p := splitHost(entry)
			if name == "" || strings.Contains(entry, ",") {
				return fault.New(fault.Invalid, "%q is no host; several are a list", entry).At("connection", "host").By(fault.PartyTenant)
			}
			names, ports = append(names, name), append(ports, p)
		}
		// The port in s belongs to the hosts of the DSN, which the connection has replaced.
		if strings.Contains(port, ",") || port == "" {
			port = "5432"
		}
		s.setHosts(names, ports, port)
	case c.Port != 0:
		s["port"] = port
	}
	for word, value := range map[string]string{"dbname": c.Database, "user": c.User, "password": c.Password} {
		if value != "" {
			s[word] = value
		}
	}
	return nil
}

// text returns the settings as a DSN. It first adds defaults to s, so that the driver takes no
// parameter from the environment or from a file.
func (s settings) text() string {
	for word, value := range map[string]string{
		"host": defaultHost, "port": defaultPort, "user": "postgres", "application_name": "botyard",
		"passfile": "", "password": "", "sslmode": "disable", "target_session_attrs": "read-write",
	} {
		if _, ok := s[word]; !ok {
			s[word] = value
		}
	}
	if s["dbname"] == "" {
		s["dbname"] = s["user"]
	}
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for word, value := range s {
		b.WriteString(word + "='" + quote.Replace(value) + "' ")
	}
	return b.String()
}

// checkHosts returns a fault if the egress policy refuses a host that is an IP address or a Unix
// socket. The dialer checks host names when it resolves them. path is the key in the fault.
func (s settings) checkHosts(dialer *egress.Dialer, path string) error {
	ports := strings.Split(s["port"], ",")
	for i, host := range strings.Split(cmp.Or(s["host"], defaultHost), ",") {
		port, _ := strconv.ParseUint(cmp.Or(ports[min(i, len(ports)-1)], defaultPort), 10, 16)
		socket := host
		if strings.HasPrefix(host, "/") {
			_, socket = pgconn.NetworkAddress(host, uint16(port))
		}
		if err := dialer.CheckLiteral(socket, uint16(port)); err != nil {
			return notAllowed(egress.Of(err), path)
		}
	}
	return nil
}

// notAllowed returns the fault for an address that the egress policy refuses.
func notAllowed(r *egress.Refusal, path string) *fault.Error {
	return fault.New(fault.Invalid, "%s", r.Words()).At(fault.Keys(path)...).By(fault.PartyTenant)
}

// maxHosts is the maximum number of hosts in one configuration. It bounds the time of a connection
// attempt, because each host may take a whole connection timeout.
const maxHosts = 16

// defaultHost and defaultPort are used when neither the DSN nor the connection has a host or a
// port.
const (
	defaultHost = "localhost"
	defaultPort = "5432"
)

// poolConfig returns the configuration of a driver pool. dialer opens the connections of the pool.
// The bytes that these connections read count against share. path is the key of dsn in faults.
// Errors are faults that name the key with the mistake.
func (c *Config) poolConfig(dsn, path string, over Connection, dialer *egress.Dialer, share *budget.Share) (*pgxpool.Config, error) {
	bad := func(err error, path string) error {
		return fault.New(fault.Invalid, "%s", err.Error()).At(fault.Keys(path)...).By(fault.PartyTenant)
	}
	s, err := parseDSN(dsn)
	if err != nil {
		return nil, bad(err, path)
	}
	if err := over.mergeInto(s); err != nil {
		return nil, err
	}
	from := path
	if len(over.Host) > 0 || dsn == "" {
		from = "connection.host"
	}
	if n := strings.Count(s["host"], ","); n >= maxHosts {
		return nil, bad(fmt.Errorf("names %d hosts; there may be %d", n+1, maxHosts), from)
	}
	if err := s.checkHosts(dialer, from); err != nil {
		return nil, err
	}
	secured, err := c.TLS.settings(s["sslmode"], path)
	if err != nil {
		return nil, err
	}
	s["sslmode"] = "disable" // tlsSettings.apply configures TLS instead of the driver
	cfg, err := pgxpool.ParseConfig(s.text())
	if err != nil {
		// The text of the error contains the whole DSN, which has the password.
		reason := "does not make a connection"
		if cause := errors.Unwrap(err); cause != nil {
			reason += ": " + cause.Error()
		}
		return nil, bad(errors.New(reason), path)
	}
	params := map[string]string{"application_name": s["application_name"]}
	if options := s["options"]; options != "" {
		params["options"] = options
	}
	cfg.ConnConfig.RuntimeParams = params // replaces the parameters that the driver took from the environment
	secured.apply(&cfg.ConnConfig.Config)
	cfg.ConnConfig.LookupFunc, cfg.ConnConfig.DialFunc = dialer.LookupHost, trackDials(dialer.DialContext)
	cfg.ConnConfig.BuildFrontend = guardFrontends(share, forCalls)
	cfg.MaxConns = int32(c.PoolSize + c.MaxOverflow)
	cfg.MinConns = 0
	cfg.ConnConfig.ConnectTimeout = seconds(c.ConnectTimeout)
	return cfg, nil
}
