import { appendFileSync, existsSync, readFileSync, readdirSync } from "node:fs";

const database = process.env.DATABASE_URL.replace("file:", "");
const done = existsSync(database) ? readFileSync(database, "utf8").split("\n") : [];
for (const name of readdirSync("migrations").sort().filter((name) => !done.includes(name))) {
  appendFileSync(database, `${name}\n`);
  console.log(`applied ${name}`);
}
