// Verifies a bundle with sigstore-js, and that its statement is about an image.
const [, library, trust, bundle, issuer, identity, image] = process.argv;
const fs = require('fs');
const need = (name) => require(`${library}/node_modules/@sigstore/${name}`);
const read = (file) => JSON.parse(fs.readFileSync(file));
const { Verifier, toSignedEntity, toTrustMaterial } = need('verify');
const { TrustedRoot } = need('protobuf-specs');
const parsed = need('bundle').bundleFromJSON(read(bundle));
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(read(trust))));
verifier.verify(toSignedEntity(parsed), { subjectAlternativeName: identity, extensions: { issuer } });
const envelope = parsed.content.dsseEnvelope;
const statement = JSON.parse(envelope.payload);
if (envelope.payloadType !== 'application/vnd.in-toto+json') throw new Error(envelope.payloadType);
if (statement.subject[0].digest.sha256 !== image) throw new Error('another image');
console.log(statement.predicateType);
