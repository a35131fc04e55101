package pgstore

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
)

// These SQLSTATEs are handled individually. Other SQLSTATEs are handled by their class, which is
// the first two characters.
const (
	stateReadOnly      = "25006"
	stateBadLogin      = "28000"
	stateBadPassword   = "28P01"
	stateNoDatabase    = "3D000"
	stateNoSchema      = "3F000"
	stateNoPrivilege   = "42501"
	stateNoTable       = "42P01"
	stateNoFunction    = "42883"
	stateNoRole        = "22023" // invalid parameter value; in a pipeline only the role can cause it
	stateTooMany       = "53300"
	stateTooLong       = "54000"
	stateLockTimeout   = "55P03"
	stateCanceled      = "57014"
	stateNoStatement   = "26000"
	stateSameStatement = "42P05"
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
)

// fullRetry is the suggested wait before a retry when a pool or a server has no free connection.
const fullRetry = 250 * time.Millisecond

// fail returns the fault that the caller gets for err. It returns nil if err is nil. The text of
// the fault does not contain the cause. fail logs the cause, at most once in repeatAfter.
func (s *Store) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if refused := egress.Of(err); refused != nil && ctx.Err() == nil {
		return s.cfg.notAllowed(refused)
	}
	e := classify(ctx, err)
	if e.Err != nil && e.Class != fault.Invalid && e.Class != fault.Canceled {
		s.failures.warn("a call of the database failed", e.Message, e.Err)
	}
	return e
}

// classify returns the fault for an error of the driver. The message of the fault contains no value
// that a tenant wrote, and no secret of the connection.
func classify(ctx context.Context, err error) *fault.Error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	if cause := ctx.Err(); cause != nil {
		return fault.Of(cause)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyState(pg, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return withCause(err, fault.ProviderFailed, "the database does not answer in time")
	}
	return withCause(err, fault.ProviderFailed, "the database cannot be reached")
}

// classifyState returns the fault for an error that the server or a pooler has sent.
func classifyState(pg *pgconn.PgError, err error) *fault.Error {
	refused := func(class fault.Class, what string) *fault.Error {
		return withCause(err, class, what+" (SQLSTATE "+loggableCode(pg)+")")
	}
	state := sqlState(pg)
	switch state {
	case stateReadOnly:
		return refused(fault.ProviderFailed, "the database takes no writes")
	case stateTooMany:
		return refused(fault.ProviderFailed, "the database has no connection left").After(fullRetry)
	case stateCanceled:
		return refused(fault.Deadline, "the database did not finish the statement in time")
	case stateNoStatement, stateSameStatement:
		return refused(fault.ProviderFailed, "the database has lost what the connection had prepared")
	case stateSerialization, stateDeadlock, stateLockTimeout:
		return refused(fault.ProviderFailed, "the database ended the transaction for another one")
	case stateBadPassword:
		return refused(fault.Unauthenticated, "the database does not accept the password")
	case stateNoDatabase:
		return refused(fault.Invalid, "there is no such database").By(fault.PartyTenant)
	case stateNoPrivilege:
		return refused(fault.Forbidden, "the login may not do that in the database")
	case stateTooLong:
		return refused(fault.Invalid, "a name is too long for the database's index")
	case stateNoSchema, stateNoTable, stateNoFunction, stateNoRole:
		return refused(fault.ProviderFailed, "the tables are not as this version of the plugin needs them")
	}
	switch state[:min(2, len(state))] {
	case "08", "57": // connection errors; server shutdown or start
		return refused(fault.ProviderFailed, "the database ended the connection")
	case "22":
		return refused(fault.Invalid, "a text, time or JSON value does not fit the database")
	case "28":
		return refused(fault.Unauthenticated, "the database does not accept the login")
	case "53": // disk full, out of memory
		return refused(fault.ProviderFailed, "the database is out of room")
	case "58", "XX":
		return refused(fault.ProviderFailed, "the database failed")
	}
	return refused(fault.Internal, "the database refused a statement").By(fault.PartyPlugin)
}

// loggableCode returns the SQLSTATE if it has five digits or capital letters. Otherwise it returns
// a placeholder, because a server may send any text and operators read the log.
func loggableCode(pg *pgconn.PgError) string {
	if len(pg.Code) != 5 || strings.ContainsFunc(pg.Code, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return "of no form"
	}
	return pg.Code
}

// withCause returns a fault with the sentence as its message. The cause is available to errors.Is
// and to logs. The sentence does not contain it, because errors of the driver quote addresses and
// values.
func withCause(cause error, class fault.Class, sentence string) *fault.Error {
	e := fault.New(class, "%s", sentence)
	e.Err = cause
	return e
}

// connectionLost reports whether err means that other open connections are probably lost too. That
// is so when the server shuts down or refuses writes. It is also so when the connection was closed
// while the caller's context had not ended.
func connectionLost(ctx context.Context, err error, closed bool) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == stateReadOnly || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03" ||
			pg.Code[:min(2, len(pg.Code))] == "08"
	}
	return closed && ctx.Err() == nil
}

// schemaOutdated reports whether err means that the tables are missing or have an unexpected schema
// version.
func schemaOutdated(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case stateNoSchema, stateNoTable, stateNoFunction, stateNoRole:
		return true
	}
	return false
}

// preparedMissing reports whether err means that a prepared statement did not exist on the
// connection, or that a different statement had its name.
func preparedMissing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == stateNoStatement || pg.Code == stateSameStatement)
}

// keyPath returns the path of the key that has set the value. If the value is empty and there is a
// DSN, the DSN has set it.
func (c *Config) keyPath(value, path string) fault.Path {
	if value == "" && c.DSN != "" {
		return fault.Path{"dsn"}
	}
	return fault.Keys(path)
}

// configFault returns a fault with the path of a key if err proves that the configuration is wrong.
// It returns nil for an error that may be temporary.
func (c *Config) configFault(err error) *fault.Error {
	at := func(set string, path, what string) *fault.Error {
		return withCause(err, fault.Invalid, what).At(c.keyPath(set, path)...).By(fault.PartyTenant)
	}
	if refused := egress.Of(err); refused != nil {
		return c.notAllowed(refused)
	}
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		return nil // for example a server that exceeded a bound, which may be temporary
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch state := sqlState(pg); {
		case state == stateBadPassword:
			return at(c.Connection.Password, "connection.password", "the database does not accept the password")
		case state == stateNoDatabase:
			return at(c.Connection.Database, "connection.database", "there is no such database")
		case state == stateNoPrivilege:
			return at(c.Connection.User, "connection.user", "the login may not make the schema and its tables, or use those that are there")
		case state[:min(2, len(state))] == "28":
			return at(c.Connection.User, "connection.user", "the database does not accept the login")
		}
		return nil
	}
	if tlsFailed(err) {
		return at(c.TLS.Mode+c.TLS.CA, "tls", "TLS with the database does not come about")
	}
	return nil
}

// notAllowed returns the fault for an address that the egress policy refuses.
func (c *Config) notAllowed(r *egress.Refusal) *fault.Error {
	return notAllowed(r, c.keyPath(strings.Join(c.Connection.Host, ","), "connection.host").String())
}

// tlsFailed reports whether the client and the server could not agree on TLS. The driver has no
// error type for a server that refuses TLS. tlsFailed recognizes that error as a ConnectError
// without any other known cause.
func tlsFailed(err error) bool {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var header tls.RecordHeaderError
	if errors.As(err, &certificate) || errors.As(err, &alert) || errors.As(err, &header) {
		return true
	}
	var connect *pgconn.ConnectError
	var network net.Error
	var unfit *unfitError
	return errors.As(err, &connect) && !errors.As(err, &network) && !errors.As(err, &unfit) && !pgconn.Timeout(err) &&
		!errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}
