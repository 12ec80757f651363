import { due } from "@cronicle/domain";
import { serve, version } from "tiny-http";

serve(process.env.PORT, {
  "/livez": () => [200, {}],
  "/readyz": () => [200, { due: due([], 0).length }],
  "/version": () => version("api"),
});
