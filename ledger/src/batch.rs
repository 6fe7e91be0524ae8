//! One equation for many Ed25519 signatures. Decision 0002 rejects it, because it can disagree
//! with the single check; it stands here for a switch that lets it decide (`docs/mutations.md`).

use consensus::{Hash, PublicKey, Signature};
use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::ED25519_BASEPOINT_POINT,
    edwards::CompressedEdwardsY,
    traits::{Identity as _, VartimeMultiscalarMul as _},
};
use sha2::{Digest as _, Sha512};

/// Whether Σ zᵢ (Rᵢ + kᵢ Aᵢ − sᵢ B) = 0 for factors zᵢ that follow from the whole batch.
pub(crate) fn holds(signatures: &[(PublicKey, Hash, Signature)]) -> bool {
    let mut transcript = Sha512::new();
    for (key, digest, signature) in signatures {
        transcript.update(key.0);
        transcript.update(digest.0);
        transcript.update(signature.0);
    }
    let mut scalars = Vec::new();
    let mut points = Vec::new();
    let mut of_base = Scalar::ZERO;
    for (number, (key, digest, signature)) in (0_u64..).zip(signatures) {
        let Some((commitment, response)) = read(signature) else {
            return false;
        };
        let Some(public) = CompressedEdwardsY(key.0).decompress() else {
            return false;
        };
        let challenge = reduced(
            Sha512::new()
                .chain_update(&signature.0[..32])
                .chain_update(key.0)
                .chain_update(digest.0),
        );
        let factor = reduced(transcript.clone().chain_update(number.to_le_bytes()));
        scalars.extend([factor, factor * challenge]);
        points.extend([commitment, public]);
        of_base -= factor * response;
    }
    scalars.push(of_base);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(scalars, points) == EdwardsPoint::identity()
}

fn read(signature: &Signature) -> Option<(EdwardsPoint, Scalar)> {
    let (commitment, response) = signature.0.split_first_chunk::<32>()?;
    let response = response.first_chunk::<32>()?;
    let response = Option::from(Scalar::from_canonical_bytes(*response))?;
    Some((CompressedEdwardsY(*commitment).decompress()?, response))
}

fn reduced(hash: Sha512) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}
