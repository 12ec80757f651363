CREATE TABLE other (id TEXT);
DROP TABLE accounts;
