import { serve, version } from "tiny-http";
import { topics } from "@platform/contracts";

let ready = false;
serve(process.env.HEALTH_PORT, {
  "/livez": () => [200, { ok: true }],
  "/readyz": () => [ready ? 200 : 503, { ready, topics }],
  "/version": () => version("scheduler-worker"),
});
setTimeout(() => (ready = process.env.QUEUE === "memory"), 50);
