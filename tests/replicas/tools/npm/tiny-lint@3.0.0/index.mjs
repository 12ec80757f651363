import { readFileSync } from "node:fs";

/** Whether files end in a newline. */
export function lint(files) {
  return files.every((file) => readFileSync(file, "utf8").endsWith("\n"));
}
