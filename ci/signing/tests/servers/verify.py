# Verifies a bundle with sigstore-python, and that its statement is about an image.
import json
import pathlib
import sys

from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier, policy

trust, bundle, issuer, identity, image = sys.argv[1:]
trust = ClientTrustConfig.from_json(pathlib.Path(trust).read_text())
bundle = Bundle.from_json(pathlib.Path(bundle).read_bytes())
verifier = Verifier(trusted_root=trust.trusted_root)
kind, payload = verifier.verify_dsse(bundle, policy.Identity(identity=identity, issuer=issuer))
statement = json.loads(payload)
assert kind == "application/vnd.in-toto+json", kind
assert statement["subject"][0]["digest"] == {"sha256": image}, statement
print(statement["predicateType"])
