import { due } from "@cronicle/domain";

if (!process.env.PLANNER_KEY) throw new Error("PLANNER_KEY is needed");
console.log(`planned, ${due([], 0).length} due`);
