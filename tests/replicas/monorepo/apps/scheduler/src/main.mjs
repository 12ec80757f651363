import { due } from "@cronicle/domain";

console.log(`${due([{ at: 1 }, { at: 3 }], 2).length} due`);
