import { serve } from "tiny-http";

serve(3001, { "/": () => [200, { page: "home" }] });
