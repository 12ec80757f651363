CREATE TABLE allocation (id integer);
