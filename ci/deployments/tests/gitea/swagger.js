// Cuts Gitea's published description of its interface down to the requests that the writer makes:
// `node swagger.js $(go mod download -json code.gitea.io/gitea@v1.26.0 | jq -r .Dir)/templates/swagger/v1_json.tmpl > swagger.json`.
const fs = require('fs');
// A template, of which only the version and the folder are filled in.
const spec = JSON.parse(fs.readFileSync(process.argv[2], 'utf8').replace(/\{\{[^}]*\}\}/g, ''));
const REPO = '/repos/{owner}/{repo}';
const OPERATIONS = [
  ['get', REPO + '/branches/{branch}'], ['delete', REPO + '/branches/{branch}'], ['get', REPO + '/pulls'], ['post', REPO + '/pulls'],
  ['patch', REPO + '/pulls/{index}'], ['get', REPO + '/pulls/{index}/reviews'], ['post', REPO + '/pulls/{index}/requested_reviewers'],
  ['post', REPO + '/pulls/{index}/merge'], ['post', REPO + '/issues/{index}/labels'], ['post', REPO + '/issues/{index}/comments'],
];
const KEEP = ['type', 'enum', 'required', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minimum', 'maximum', 'pattern'];
function slim(schema) {
  while (schema && schema.$ref) schema = schema.$ref.slice(2).split('/').reduce((at, key) => at[key], spec);
  const out = {};
  for (const key of KEEP) if (schema[key] !== undefined) out[key] = schema[key];
  if (schema.items) out.items = slim(schema.items);
  if (schema.properties) out.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, value]) => [name, slim(value)]));
  return out;
}
const paths = {};
for (const [method, path] of OPERATIONS) {
  const all = spec.paths[path][method].parameters || [];
  const body = all.find((it) => it.in === 'body');
  const parameters = all.filter((it) => it.in !== 'body').map((it) => ({ name: it.name, in: it.in, required: !!it.required, schema: slim(it) }));
  for (const it of parameters) delete it.schema.required;
  (paths[path] ??= {})[method] = { parameters, body: body ? slim(body.schema) : null, required: !!(body && body.required) };
}
const lines = Object.entries(paths).map(([path, operations]) => JSON.stringify(path) + ': ' + JSON.stringify(operations));
process.stdout.write(`{"license": ${JSON.stringify(spec.info.license)}, "paths": {\n${lines.join(',\n')}\n}}\n`);
