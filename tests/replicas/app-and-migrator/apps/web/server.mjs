import { serve } from "tiny-http";

serve(process.env.PORT, {
  "/api/health": () => [200, { ok: true }],
  "/api/ready": () => [process.env.DATABASE_URL ? 200 : 503, {}],
});
