import { createServer } from "node:http";

/**
 * Answers paths with what their functions return: a status and a body. Told to end, it says first that it is not ready any more, so that
 * nobody sends it more, and closes then.
 */
export function serve(port, routes) {
  let ending = false;
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const route = ending && path.includes("ready") ? () => [503, {}] : (routes[path] ?? (() => [404, {}]));
    const [status, body] = route();
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(Number(port));
  process.on("SIGTERM", () => {
    ending = true;
    setTimeout(() => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
    }, 200);
  });
}

/** What is running: where it comes from, and when it was built. */
export function version(service) {
  const { GIT_SHA: sha, BUILD_TS: buildTs, IMAGE_DIGEST: imageDigest } = process.env;
  return [200, { sha, service, buildTs, imageDigest }];
}
