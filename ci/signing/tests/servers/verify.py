# Verifies bundles with sigstore-python, and that their statements are about an image.
import json
import pathlib
import sys

from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier, policy

trust, issuer, identity, image, *bundles = sys.argv[1:]
trust = ClientTrustConfig.from_json(pathlib.Path(trust).read_text())
verifier = Verifier(trusted_root=trust.trusted_root)
signer = policy.Identity(identity=identity, issuer=issuer)
for bundle in bundles:
    kind, payload = verifier.verify_dsse(Bundle.from_json(pathlib.Path(bundle).read_bytes()), signer)
    assert kind == "application/vnd.in-toto+json", kind
    statement = json.loads(payload)
    assert statement["subject"][0]["digest"] == {"sha256": image}, statement
    print(statement["predicateType"])
