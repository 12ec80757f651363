//! For Kyverno 1.19: an `ImageValidatingPolicy`, which reads both forms of signatures. (`ClusterPolicy`, which has to be told the form,
//! is deprecated there.)

use super::repositories::as_written;
use super::yaml::{block, items, quoted};
use super::{Demand, Signer};

/// Writes the policy. It covers pods and, as Kyverno derives that, everything that makes them.
pub fn kyverno(demand: &Demand) -> String {
    let name = quoted(&format!("{}-signed", demand.name));
    let images = items(as_written(&demand.repositories), 4, |glob| {
        format!("glob: {}", quoted(&glob))
    });
    let attestor = attestor(demand);
    let attestations = attestations(demand);
    let signed = validation(
        &format!("not signed by {}", demand.signed_by()),
        "verifyImageSignatures(image, [attestors.signer])",
    );
    let attested = demand.attestations.iter().enumerate().map(|(at, kind)| {
        let call = format!(
            "verifyAttestationSignatures(image, attestations.attestation{at}, [attestors.signer])"
        );
        validation(&format!("not attested by its signer: {kind}"), &call)
    });
    let validations: String = std::iter::once(signed).chain(attested).collect();
    format!(
        "\
apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata:
  name: {name}
spec:
  failurePolicy: Fail
  validationActions: [Deny]
  webhookConfiguration:
    timeoutSeconds: 30
  matchConstraints:
    resourceRules:
      - apiGroups: [\"\"]
        apiVersions: [\"v1\"]
        operations: [\"CREATE\", \"UPDATE\"]
        resources: [\"pods\"]
  matchImageReferences:
{images}  validationConfigurations:
    mutateDigest: true
    verifyDigest: true
    required: true
  attestors:
    - name: signer
      cosign:
{attestor}{attestations}  validations:
{validations}"
    )
}

fn attestor(demand: &Demand) -> String {
    let who = match &demand.signer {
        Signer::Identity(identity) => {
            let ctlog = match demand.trusted_root {
                // Where its log is, the root says.
                Some(_) => "",
                None => "        ctlog:\n          url: https://rekor.sigstore.dev\n",
            };
            format!(
                "        keyless:\n          identities:\n            - issuer: {}\n              subject: {}\n{ctlog}",
                quoted(identity.issuer()),
                quoted(identity.identity()),
            )
        }
        Signer::Key { pem, logged } => {
            let ctlog = match (logged, &demand.trusted_root) {
                (false, _) => {
                    "        ctlog:\n          insecureIgnoreTlog: true\n          insecureIgnoreSCT: true\n"
                }
                (true, Some(_)) => "",
                (true, None) => "        ctlog:\n          url: https://rekor.sigstore.dev\n",
            };
            format!("        key:\n          data: {}\n{ctlog}", block(pem, 12))
        }
    };
    let root = demand.trusted_root.as_ref();
    let root = root.map(|json| {
        // No string of JSON goes over the end of a line.
        let json: String = json.lines().map(str::trim).collect();
        format!("        trustedRoot:\n          value: {}\n", quoted(&json))
    });
    who + &root.unwrap_or_default()
}

fn attestations(demand: &Demand) -> String {
    if demand.attestations.is_empty() {
        return String::new();
    }
    let list = items(demand.attestations.iter().enumerate(), 4, |(at, kind)| {
        format!(
            "name: attestation{at}\n      intoto:\n        type: {}",
            quoted(kind)
        )
    });
    format!("  attestations:\n{list}")
}

/// One thing that has to hold of every image of a pod, whatever the container is for.
fn validation(message: &str, call: &str) -> String {
    let groups = ["containers", "initContainers", "ephemeralContainers"]
        .map(|group| format!("images.{group}.all(image, {call} > 0)"));
    format!(
        "    - message: {}\n      expression: >-\n        {}\n",
        quoted(message),
        groups.join(" &&\n        ")
    )
}
