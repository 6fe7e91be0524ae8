//! The two signature predicates with a memory, so that nothing is checked twice (P2.2).
//!
//! Only positive answers of the very same predicate on identical bytes are remembered; the memory
//! is keyed by SHA-256 of those bytes, so it can disagree with the predicate only if SHA-256
//! breaks.

use std::sync::{Arc, Mutex, PoisonError};

use consensus::{
    Ed25519, Hash, InvalidPayload, Payloads, PublicKey, RequestKey, Signature, Verifier,
    hashing::tagged_hash,
};
use rayon::ThreadPool;

use crate::{
    counters::Counters,
    limits::{REMEMBERED_REQUESTS, REMEMBERED_SIGNATURES},
    recent::Recent,
};

/// Below this many a second thread is not worth its wake-up.
const WORTH_A_THREAD: usize = 8;

/// Checks validators' signatures: the votes inside a certificate were checked one by one before.
pub(crate) struct RememberingVerifier {
    inner: Ed25519,
    good: Mutex<Recent<Hash, ()>>,
    counters: Arc<Counters>,
}

impl RememberingVerifier {
    pub(crate) fn new(inner: Ed25519, counters: Arc<Counters>) -> Self {
        let good = Mutex::new(Recent::new(REMEMBERED_SIGNATURES));
        Self {
            inner,
            good,
            counters,
        }
    }
}

impl Verifier for RememberingVerifier {
    fn verify(&self, key: &PublicKey, digest: &Hash, signature: &Signature) -> bool {
        let name = tagged_hash("hawser/node/signature", &[&key.0, &digest.0, &signature.0]);
        let known = || {
            self.good
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&name)
                .is_some()
        };
        if known() {
            self.counters.node_signatures_cached.add(1);
            return true;
        }
        self.counters.node_signatures.add(1);
        let good = self.inner.verify(key, digest, signature);
        if good {
            self.good
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, ());
        }
        good
    }
}

/// Judges payloads on the pool. A request that this node took from a client or a relay is not
/// judged again when an entry brings it.
pub(crate) struct RememberingPayloads {
    inner: Arc<dyn Payloads>,
    pool: Arc<ThreadPool>,
    good: Mutex<Recent<Hash, RequestKey>>,
    counters: Arc<Counters>,
}

impl RememberingPayloads {
    pub(crate) fn new(
        inner: Arc<dyn Payloads>,
        pool: Arc<ThreadPool>,
        counters: Arc<Counters>,
    ) -> Self {
        let good = Mutex::new(Recent::new(REMEMBERED_REQUESTS));
        Self {
            inner,
            pool,
            good,
            counters,
        }
    }

    fn name(payload: &[u8]) -> Hash {
        tagged_hash("hawser/node/payload", &[payload])
    }
}

impl Payloads for RememberingPayloads {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.inner.key(payload)
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let name = Self::name(payload);
        let known = self
            .good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
            .copied();
        if let Some(key) = known {
            self.counters.client_signatures_cached.add(1);
            return Ok(key);
        }
        self.counters.client_signatures.add(1);
        let key = self.inner.check(payload)?;
        self.good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, key);
        Ok(key)
    }

    /// An entry may come twice, from the leader and as an answer to a fetch (P3.7).
    fn check_all(&self, payloads: &[Arc<[u8]>]) -> Result<Vec<RequestKey>, InvalidPayload> {
        let names: Vec<Hash> = payloads.iter().map(|payload| Self::name(payload)).collect();
        let mut keys: Vec<Option<RequestKey>> = {
            let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            names.iter().map(|name| good.get(name).copied()).collect()
        };
        let unknown: Vec<Arc<[u8]>> = payloads
            .iter()
            .zip(&keys)
            .filter(|(_, key)| key.is_none())
            .map(|(payload, _)| Arc::clone(payload))
            .collect();
        self.counters
            .client_signatures_cached
            .add(payloads.len() - unknown.len());
        self.counters.client_signatures.add(unknown.len());
        let judged = if unknown.len() < WORTH_A_THREAD {
            unknown
                .iter()
                .map(|payload| self.inner.check(payload))
                .collect()
        } else {
            self.pool.install(|| self.inner.check_all(&unknown))
        };
        let mut judged = judged?.into_iter();
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, name) in keys.iter_mut().zip(names).filter(|(key, _)| key.is_none()) {
            *key = judged.next();
            if let Some(key) = *key {
                good.insert(name, key);
            }
        }
        drop(good);
        keys.into_iter()
            .map(|key| key.ok_or_else(|| InvalidPayload("left unjudged".to_owned())))
            .collect()
    }
}

#[cfg(test)]
#[path = "../../consensus/tests/flat_json/mod.rs"]
mod flat_json;

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{Signer, signature::public_key};
    use keys::SigningKey;

    /// Good are payloads that begin with 1.
    struct FirstByte;

    impl Payloads for FirstByte {
        fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
            Ok(RequestKey {
                account: [payload[1]; 32],
                nonce: u64::from(payload[2]),
            })
        }
        fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
            if payload[0] == 1 {
                self.key(payload)
            } else {
                Err(InvalidPayload("no".to_owned()))
            }
        }
    }

    fn payloads(counters: &Arc<Counters>) -> RememberingPayloads {
        let pool = Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(2)
                .build()
                .unwrap(),
        );
        RememberingPayloads::new(Arc::new(FirstByte), pool, Arc::clone(counters))
    }

    #[test]
    fn the_remembered_and_the_single_path_agree() {
        let counters = Arc::new(Counters::default());
        let remembering = payloads(&counters);
        let all: Vec<Arc<[u8]>> = (0..40).map(|number| Arc::from([1, 7, number])).collect();
        for payload in all.iter().step_by(3) {
            assert_eq!(remembering.check(payload), FirstByte.check(payload));
        }
        let expected: Vec<_> = all
            .iter()
            .map(|payload| FirstByte.key(payload).unwrap())
            .collect();
        assert_eq!(remembering.check_all(&all), Ok(expected.clone()));
        assert_eq!(counters.client_signatures_cached.get(), 14);
        assert_eq!(counters.client_signatures.get(), 40);
        assert_eq!(remembering.check_all(&all), Ok(expected));
        assert_eq!(counters.client_signatures.get(), 40);
    }

    #[test]
    fn one_bad_payload_spoils_all_and_is_never_remembered() {
        let counters = Arc::new(Counters::default());
        let remembering = payloads(&counters);
        let bad: Arc<[u8]> = Arc::from([0, 7, 3]);
        for _ in 0..2 {
            assert!(remembering.check(&bad).is_err());
            assert!(
                remembering
                    .check_all(&[Arc::from([1, 7, 2]), Arc::clone(&bad)])
                    .is_err()
            );
        }
        assert_eq!(counters.client_signatures_cached.get(), 0);
    }

    #[test]
    fn a_remembered_signature_is_good_for_its_own_key_and_digest_only() {
        let counters = Arc::new(Counters::default());
        let verifier = RememberingVerifier::new(Ed25519::default(), Arc::clone(&counters));
        let key = SigningKey::from_bytes(&[3; 32]);
        let other = public_key(&SigningKey::from_bytes(&[4; 32]));
        let (digest, public) = (Hash([9; 32]), public_key(&key));
        let signature = Signer::sign(&key, &digest);
        for _ in 0..2 {
            assert!(verifier.verify(&public, &digest, &signature));
            assert!(!verifier.verify(&other, &digest, &signature));
            assert!(!verifier.verify(&public, &Hash([8; 32]), &signature));
        }
        assert_eq!(counters.node_signatures_cached.get(), 1);
        assert_eq!(counters.node_signatures.get(), 5);
    }

    /// Signatures on which libraries differ. Only number 3 of the twelve is good; the others say.
    #[test]
    fn memory_changes_no_answer_on_crafted_signatures() {
        let counters = Arc::new(Counters::default());
        let remembering = RememberingVerifier::new(Ed25519::default(), Arc::clone(&counters));
        let crafted = include_str!("../../consensus/tests/data/ed25519-speccheck/cases.json");
        let torsion = include_str!("../../consensus/tests/data/ed25519-torsion/cases.json");
        let mut good = 0;
        for _ in 0..2 {
            good = 0;
            for (number, case) in flat_json::parse(crafted)
                .iter()
                .chain(&flat_json::parse(torsion))
                .enumerate()
            {
                let key = PublicKey(case.array("pub_key"));
                let digest = Hash(case.array("message"));
                let signature = Signature(case.array("signature"));
                let expected = case.find("good").map_or(number == 3, |good| good == "yes");
                assert_eq!(remembering.verify(&key, &digest, &signature), expected);
                good += usize::from(expected);
            }
        }
        assert!(good > 20);
        assert_eq!(counters.node_signatures_cached.get(), good as u64);
    }
}
