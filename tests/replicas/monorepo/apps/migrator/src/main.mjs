import { due } from "@cronicle/domain";

console.log(`applied ${due([{ at: 0 }], 0).length}`);
