package pgstore

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// stateProtocol is the SQLSTATE that PgBouncer before version 1.19 sends for every refused login. A
// server sends it when the client has violated the protocol.
const stateProtocol = "08P01"

// refusals maps a part of PgBouncer's error message to the SQLSTATE that a server would send. The
// message is the only way to recognize the reason, and it is always in English. Some of the
// messages come from the server, and PgBouncer forwards them.
var refusals = []struct{ sentence, state string }{
	{"password authentication failed", stateBadPassword},
	{"SASL authentication failed", stateBadPassword},
	{"SCRAM authentication failed", stateBadPassword},
	{"no such database", stateNoDatabase},
	{"no such user", stateBadLogin},
	{" authentication failed", stateBadLogin}, // trust, certificate or PAM authentication
	{"login rejected", stateBadLogin},
}

// sqlState returns the SQLSTATE of an error. For an error of a pooler it returns the SQLSTATE that
// a server would have sent.
func sqlState(pg *pgconn.PgError) string {
	if pg.Code != stateProtocol {
		return pg.Code
	}
	for _, r := range refusals {
		if strings.Contains(pg.Message, r.sentence) {
			return r.state
		}
	}
	if strings.HasPrefix(pg.Message, "database ") && strings.HasSuffix(pg.Message, " does not exist") {
		return stateNoDatabase
	}
	return pg.Code
}
