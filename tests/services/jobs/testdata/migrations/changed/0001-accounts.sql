CREATE TABLE accounts (id TEXT);
