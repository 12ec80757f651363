ALTER TABLE allocation ADD owner text;
