CREATE TABLE sessions (
    token TEXT PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (id),
    expires TIMESTAMP NOT NULL
);
