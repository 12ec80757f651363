import { lint } from "tiny-lint";

process.exit(lint(["src/main.mjs"]) ? 0 : 1);
