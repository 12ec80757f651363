// Cuts GitHub's published description of its REST interface down to what the writer uses: `npm install @octokit/openapi graphql
// @octokit/graphql-schema && node openapi.js > openapi.json`. Of requests everything is kept that can be checked, of answers the
// fields that are read. The GraphQL text of the writer is checked against the published schema here, and the stand-in takes no other.
const fs = require('fs');
const spec = JSON.parse(fs.readFileSync(require.resolve('@octokit/openapi/generated/api.github.com.json')));
const REPO = '/repos/{owner}/{repo}';
const OPERATIONS = [
  ['get', REPO + '/git/ref/{ref}'], ['get', REPO + '/git/commits/{commit_sha}'], ['get', REPO + '/git/trees/{tree_sha}'],
  ['get', REPO + '/git/blobs/{file_sha}'], ['post', REPO + '/git/blobs'], ['post', REPO + '/git/trees'],
  ['post', REPO + '/git/commits'], ['post', REPO + '/git/refs'], ['patch', REPO + '/git/refs/{ref}'],
  ['delete', REPO + '/git/refs/{ref}'], ['get', REPO + '/compare/{basehead}'], ['get', REPO + '/pulls'],
  ['post', REPO + '/pulls'], ['patch', REPO + '/pulls/{pull_number}'], ['get', REPO + '/pulls/{pull_number}/reviews'],
  ['post', REPO + '/pulls/{pull_number}/requested_reviewers'], ['put', REPO + '/pulls/{pull_number}/merge'],
  ['post', REPO + '/issues/{issue_number}/labels'], ['post', REPO + '/issues/{issue_number}/comments'],
  ['get', REPO + '/commits'], ['get', REPO + '/commits/{commit_sha}/pulls'], ['get', REPO + '/contents/{path}'],
  ['get', REPO + '/commits/{ref}/check-runs'], ['get', REPO + '/commits/{ref}/status'],
  ['get', REPO + '/installation'], ['post', '/app/installations/{installation_id}/access_tokens'],
];
const READ = new Set(('sha ref object tree parents message path mode type truncated content encoding number node_id html_url title ' +
  'body state draft merged_at user login head repo full_name labels name requested_reviewers requested_teams auto_merge status ' +
  'merge_base_commit total_commits commits check_runs conclusion statuses context id token commit committer date').split(' '));
const KEEP = ['type', 'enum', 'required', 'nullable', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minimum', 'maximum', 'pattern', 'additionalProperties'];
function resolve(schema) {
  while (schema && schema.$ref) schema = schema.$ref.slice(2).split('/').reduce((at, key) => at[key.replace(/~1/g, '/').replace(/~0/g, '~')], spec);
  return schema;
}
function slim(schema, only) {
  schema = resolve(schema);
  if (!schema || typeof schema !== 'object') return schema;
  const out = {};
  for (const key of KEEP) if (schema[key] !== undefined) out[key] = typeof schema[key] === 'object' && !Array.isArray(schema[key]) ? slim(schema[key], only) : schema[key];
  for (const key of ['oneOf', 'anyOf', 'allOf']) if (schema[key]) out[key] = schema[key].map((it) => slim(it, only));
  if (schema.items) out.items = slim(schema.items, only);
  if (schema.properties) {
    out.properties = {};
    for (const [name, value] of Object.entries(schema.properties)) if (!only || only.has(name)) out.properties[name] = slim(value, only);
  }
  if (only) delete out.required;
  return out;
}
const paths = {};
for (const [method, path] of OPERATIONS) {
  const operation = spec.paths[path][method];
  const parameters = (operation.parameters || []).map(resolve).map((it) => ({ name: it.name, in: it.in, required: !!it.required, schema: slim(it.schema) }));
  const body = resolve(operation.requestBody);
  const answers = {};
  for (const [status, value] of Object.entries(operation.responses)) {
    const content = resolve(value).content;
    answers[status] = status.startsWith('2') && content && content['application/json'] ? slim(content['application/json'].schema, READ) : {};
  }
  (paths[path] ??= {})[method] = { parameters, body: body ? slim(body.content['application/json'].schema) : null, required: !!(body && body.required), answers };
}
const graphql = require('graphql');
const schema = graphql.buildSchema(fs.readFileSync(require.resolve('graphql/package.json').replace('graphql/package.json', '@octokit/graphql-schema/schema.graphql'), 'utf8'), { assumeValidSDL: true });
const source = fs.readFileSync(__dirname + '/../../src/github/forge.rs', 'utf8');
const query = source.match(/const ENABLE: &str =\s*"([^;]*)";/)[1].replace(/\\\n\s*/g, '');
const errors = graphql.validate(schema, graphql.parse(query));
if (errors.length) throw new Error(errors.join('\n'));

const lines = Object.entries(paths).map(([path, operations]) => JSON.stringify(path) + ': ' + JSON.stringify(operations));
const head = `"version": ${JSON.stringify(spec.info.version)}, "graphql": ${JSON.stringify(query)}, "license": ${JSON.stringify(spec.info.license)}`;
process.stdout.write(`{${head}, "paths": {\n${lines.join(',\n')}\n}}\n`);
