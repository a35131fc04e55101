package pgstore

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// stateProtocol is the SQLSTATE that PgBouncer before 1.19 sends for every refused login. From a
// server it means that the client broke the protocol.
const stateProtocol = "08P01"

// refusals map a piece of PgBouncer's message to the SQLSTATE for that reason. The message is
// always English and has no other mark. Some are messages of the server, passed on.
var refusals = []struct{ sentence, state string }{
	{"password authentication failed", stateBadPassword},
	{"SASL authentication failed", stateBadPassword},
	{"SCRAM authentication failed", stateBadPassword},
	{"no such database", stateNoDatabase},
	{"no such user", stateBadLogin},
	{" authentication failed", stateBadLogin}, // trust, certificate, PAM
	{"login rejected", stateBadLogin},
}

// sqlState returns the SQLSTATE of the error. For a pooler's error it returns the one that a
// server would have sent.
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
