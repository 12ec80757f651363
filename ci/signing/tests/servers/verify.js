// Verifies bundles with sigstore-js, and that their statements are about an image.
const [, library, trust, issuer, identity, image, ...bundles] = process.argv;
const fs = require('fs');
const need = (name) => require(`${library}/node_modules/@sigstore/${name}`);
const read = (file) => JSON.parse(fs.readFileSync(file));
const { Verifier, toSignedEntity, toTrustMaterial } = need('verify');
const { TrustedRoot } = need('protobuf-specs');
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(read(trust))));
const signer = { subjectAlternativeName: identity, extensions: { issuer } };
for (const file of bundles) {
  const bundle = need('bundle').bundleFromJSON(read(file));
  verifier.verify(toSignedEntity(bundle), signer);
  const { payloadType, payload } = bundle.content.dsseEnvelope;
  if (payloadType !== 'application/vnd.in-toto+json') throw new Error(payloadType);
  const statement = JSON.parse(payload);
  if (statement.subject[0].digest.sha256 !== image) throw new Error('another image');
  console.log(statement.predicateType);
}
