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

// settings are the words of a DSN.
type settings map[string]string

// dsnWords are what a DSN may have. Others would have this process read files, which a
// tenant must not choose, or are keys of the configuration.
var dsnWords = []string{"host", "port", "user", "password", "dbname", "sslmode", "application_name", "target_session_attrs",
	"options", "channel_binding"}

// parseDSN reads a URL or a list of words.
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
	if name, ok := s["database"]; ok { // as pgx also calls it
		delete(s, "database")
		s["dbname"] = name
	}
	for word := range s {
		if !slices.Contains(dsnWords, word) {
			// Not named: it may be a piece of a password that lacks its quotes.
			return nil, errors.New("has a word that is not taken here; there are " + strings.Join(dsnWords, ", "))
		}
	}
	return s, nil
}

// addURL reads postgres://user:password@host:port,host:port/database?word=value. The
// hosts are cut out first: several are no host of a URL.
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
		return errors.New("is no URL") // the parser's own error has the password in it
	}
	if strings.Contains(u.EscapedPath(), "@") || u.Fragment != "" {
		// The rest of a password, which would be taken for a database or a host, and logged.
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

// addWords reads word=value word='it”s' in libpq's way: quotes are escaped by a
// backslash.
func (s settings) addWords(dsn string) error {
	malformed := errors.New("must be a URL, postgres://..., or words, name=value")
	rest := strings.TrimSpace(dsn)
	for rest != "" {
		word, value, ok := strings.Cut(rest, "=")
		if word = strings.TrimSpace(word); !ok || word == "" || strings.ContainsAny(word, " \t\n\r'") {
			return malformed // what is here may be a password
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

// setHosts fills in the port of hosts without one.
func (s settings) setHosts(names, ports []string, port string) {
	for i, p := range ports {
		if p == "" {
			ports[i] = port
		}
	}
	s["host"], s["port"] = strings.Join(names, ","), strings.Join(ports, ",")
}

// splitHost takes the port off name:port. Addresses of IPv6 need brackets to have one.
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

// over lays the connection's keys over the DSN's.
func (c *Connection) over(s settings) error {
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
				return fault.New(fault.Invalid, "%q is no host; several are a list", entry).At("connection.host").By(fault.PartyTenant)
			}
			names, ports = append(names, name), append(ports, p)
		}
		if strings.Contains(port, ",") || port == "" { // those belong to the DSN's hosts
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

// text is the DSN of the settings, in words. Every word whose default would come from
// the environment or a file is there.
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

// mayLead refuses hosts that are written out and not allowed. Names are judged when they
// are looked up.
func (s settings) mayLead(dialer *egress.Dialer, path string) error {
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

// notAllowed is the fault of an address that the operator does not let the settings name.
func notAllowed(r *egress.Refusal, path string) *fault.Error {
	return fault.New(fault.Invalid, "%s", r.Words()).At(path).By(fault.PartyTenant)
}

// maxHosts is how many hosts there may be for one database: each may cost the time of an
// attempt.
const maxHosts = 16

// Where the database is if nothing says it.
const (
	defaultHost = "localhost"
	defaultPort = "5432"
)

// poolConfig makes pgx's configuration, whose connections dialer makes and hold what they
// read of the share. Errors name the key.
func (c *Config) poolConfig(dsn, path string, over Connection, dialer *egress.Dialer, share *budget.Share) (*pgxpool.Config, error) {
	bad := func(err error, path string) error {
		return fault.New(fault.Invalid, "%s", err.Error()).At(path).By(fault.PartyTenant)
	}
	s, err := parseDSN(dsn)
	if err != nil {
		return nil, bad(err, path)
	}
	if err := over.over(s); err != nil {
		return nil, err
	}
	from := path
	if len(over.Host) > 0 || dsn == "" {
		from = "connection.host"
	}
	if n := strings.Count(s["host"], ","); n >= maxHosts {
		return nil, bad(fmt.Errorf("names %d hosts; there may be %d", n+1, maxHosts), from)
	}
	if err := s.mayLead(dialer, from); err != nil {
		return nil, err
	}
	secured, err := c.TLS.make(s["sslmode"], path)
	if err != nil {
		return nil, err
	}
	s["sslmode"] = "disable" // what tls makes is put in below
	cfg, err := pgxpool.ParseConfig(s.text())
	if err != nil {
		// Its own text has all of the DSN in it.
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
	cfg.ConnConfig.RuntimeParams = params // and none of the environment's
	secured.apply(&cfg.ConnConfig.Config)
	cfg.ConnConfig.LookupFunc, cfg.ConnConfig.DialFunc = dialer.LookupHost, closings(dialer.DialContext)
	cfg.ConnConfig.BuildFrontend = frontends(share, false)
	cfg.MaxConns = int32(c.PoolSize + c.MaxOverflow)
	cfg.MinConns = 0
	cfg.ConnConfig.ConnectTimeout = seconds(c.ConnectTimeout)
	return cfg, nil
}
