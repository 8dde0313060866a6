CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY,
    balance INTEGER NOT NULL CHECK (balance >= 0)
) STRICT, WITHOUT ROWID;

-- An id begins with the time when it was made, so that the largest is the newest.
CREATE TABLE IF NOT EXISTS transfers (
    id BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    recipient TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reference TEXT,
    balance INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One for each order in which transfers are listed.
CREATE INDEX IF NOT EXISTS transfers_by_id ON transfers (account, id);
CREATE INDEX IF NOT EXISTS transfers_by_amount ON transfers (account, amount DESC, id DESC);
CREATE INDEX IF NOT EXISTS transfers_by_reference ON transfers (account, reference, id);

-- What all processes with this ledger know, and nobody else.
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO secrets (name, secret) VALUES ('cursors', randomblob(32)), ('answers', randomblob(32));

-- Webhooks that were received, each once, whoever delivers it how often.
CREATE TABLE IF NOT EXISTS received (
    sender TEXT NOT NULL,
    event BLOB NOT NULL,
    PRIMARY KEY (sender, event)
) STRICT, WITHOUT ROWID;

-- Where accounts want to be told. What signs is in the clear here: whoever has this file has the money too.
CREATE TABLE IF NOT EXISTS endpoints (
    id BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS endpoints_by_account ON endpoints (account, id);
