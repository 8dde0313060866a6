CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY,
    balance INTEGER NOT NULL CHECK (balance >= 0)
) STRICT, WITHOUT ROWID;

-- An id begins with the time when it was made, so that the largest is the newest.
CREATE TABLE IF NOT EXISTS transfers (
    id BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    payee TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    balance INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transfers_by_id ON transfers (account, id);
CREATE INDEX IF NOT EXISTS transfers_by_payee ON transfers (account, payee, id);

CREATE TABLE IF NOT EXISTS payees (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- What all processes with this ledger know, and nobody else: what cursors are signed with.
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO secrets (name, secret) VALUES ('cursors', randomblob(32));
