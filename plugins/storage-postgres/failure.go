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

// SQLSTATEs that are told apart. Classes are their first two characters.
const (
	stateReadOnly      = "25006"
	stateBadLogin      = "28000"
	stateBadPassword   = "28P01"
	stateNoDatabase    = "3D000"
	stateNoSchema      = "3F000"
	stateNoPrivilege   = "42501"
	stateNoTable       = "42P01"
	stateNoFunction    = "42883"
	stateNoRole        = "22023" // the only setting of ours that can be wrong
	stateTooMany       = "53300"
	stateTooLong       = "54000"
	stateLockTimeout   = "55P03"
	stateCanceled      = "57014"
	stateNoStatement   = "26000"
	stateSameStatement = "42P05"
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
)

// fullRetry is when to come again to a pool or server that is full.
const fullRetry = 250 * time.Millisecond

// classify makes a fault of what the driver answered. Messages name no value that a
// tenant wrote and nothing of the connection's secrets.
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
		return ofState(pg, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return because(err, fault.ProviderFailed, "the database does not answer in time")
	}
	return because(err, fault.ProviderFailed, "the database cannot be reached")
}

func ofState(pg *pgconn.PgError, err error) *fault.Error {
	refused := func(class fault.Class, what string) *fault.Error {
		return because(err, class, what+" (SQLSTATE "+codeOf(pg)+")")
	}
	state := stateOf(pg)
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
	case "08", "57": // the connection; shutdown and start
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

// codeOf is the server's code, if it has the form of one: it is repeated to operators.
func codeOf(pg *pgconn.PgError) string {
	if len(pg.Code) != 5 || strings.ContainsFunc(pg.Code, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return "of no form"
	}
	return pg.Code
}

// because keeps the cause for logs and errors.Is, out of the sentence that callers
// see: the driver's errors quote addresses and values.
func because(cause error, class fault.Class, sentence string) *fault.Error {
	e := fault.New(class, "%s", sentence)
	e.Err = cause
	return e
}

// deaf reports whether after this error no connection that was open before is worth
// using: the server stops, takes no writes, or closed this one unasked.
func deaf(ctx context.Context, err error, closed bool) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == stateReadOnly || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03" ||
			pg.Code[:min(2, len(pg.Code))] == "08"
	}
	return closed && ctx.Err() == nil
}

// outdated reports whether the tables are gone or another layout's.
func outdated(err error) bool {
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

// forgotten reports whether a prepared statement was not there, or another's was.
func forgotten(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == stateNoStatement || pg.Code == stateSameStatement)
}

// where is the path of a key of this value, or the DSN's when that has it.
func (c *Config) where(value, path string) string {
	if value == "" && c.DSN != "" {
		return "dsn"
	}
	return path
}

// configured finds what only the configuration explains in a refused connection: the
// key at fault and a sentence. Everything else may be otherwise in a minute.
func (c *Config) configured(err error) *fault.Error {
	at := func(set string, path, what string) *fault.Error {
		return because(err, fault.Invalid, what).At(c.where(set, path)).By(fault.PartyTenant)
	}
	if refused := egress.Of(err); refused != nil {
		return c.notAllowed(refused)
	}
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		return nil // what the server sends is too much, and may be otherwise in a minute
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch state := stateOf(pg); {
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

// notAllowed is the fault of a connection that the operator does not allow.
func (c *Config) notAllowed(r *egress.Refusal) *fault.Error {
	return notAllowed(r, c.where(strings.Join(c.Connection.Host, ","), "connection.host"))
}

// tlsFailed reports whether both sides spoke and did not agree about TLS. That the
// server refuses it altogether has no type of its own: it is what remains.
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
