//! A client's signed complaint that its request is not answered (P6.2, P6.3).

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use consensus::{
    Configuration, Hash, NodeId, PublicKey, RequestKey, Signature, Signer, Term, Verifier,
    encoding::{Canonical, Writer},
};
use transport::Origin;

use crate::limits::{COMPLAINING_KEYS, COMPLAINT_BURST, COMPLAINT_INTERVAL};

/// What a complaint says: this request stays unanswered under this leader. It is signed by the
/// client's connection key, under the tag `hawser/v1/complaint` for network, mode and epoch; its
/// layout is term, leader, account, nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The term complained about.
    pub term: Term,
    /// Its leader.
    pub leader: NodeId,
    /// The request.
    pub key: RequestKey,
}

impl Complaint {
    const TAG: &'static str = "hawser/v1/complaint";

    fn digest(&self, configuration: &Configuration) -> Hash {
        let mut writer = Writer::default();
        self.term.encode(&mut writer);
        self.leader.encode(&mut writer);
        self.key.encode(&mut writer);
        configuration.digest(Self::TAG, &writer.into_bytes())
    }

    /// Signs it.
    #[must_use]
    pub fn sign(&self, configuration: &Configuration, signer: &dyn Signer) -> Signature {
        signer.sign(&self.digest(configuration))
    }

    /// Whether `signature` is `key`'s over this complaint.
    #[must_use]
    pub fn holds(
        &self,
        configuration: &Configuration,
        key: &PublicKey,
        signature: &Signature,
        verifier: &dyn Verifier,
    ) -> bool {
        verifier.verify(key, &self.digest(configuration), signature)
    }
}

/// How much each key, or address of strangers, may still complain: a burst, and one more every
/// interval.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    of_origin: HashMap<Origin, Allowance>,
    /// In order of first use.
    order: VecDeque<Origin>,
}

#[derive(Debug)]
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowances {
    /// Uses up one complaint, or says how long until there is one.
    pub(crate) fn take(&mut self, origin: Origin, now: Instant) -> Result<(), Duration> {
        if !self.of_origin.contains_key(&origin) {
            if self.order.len() >= COMPLAINING_KEYS
                && let Some(oldest) = self.order.pop_front()
            {
                self.of_origin.remove(&oldest);
            }
            self.order.push_back(origin);
            self.of_origin.insert(
                origin,
                Allowance {
                    left: COMPLAINT_BURST,
                    since: now,
                },
            );
        }
        let Some(allowance) = self.of_origin.get_mut(&origin) else {
            return Err(COMPLAINT_INTERVAL);
        };
        let passed = now.saturating_duration_since(allowance.since);
        let earned = passed.as_millis() / COMPLAINT_INTERVAL.as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        if earned > 0 {
            allowance.left = allowance.left.saturating_add(earned).min(COMPLAINT_BURST);
            allowance.since += COMPLAINT_INTERVAL * earned.min(COMPLAINT_BURST);
            if allowance.left == COMPLAINT_BURST {
                allowance.since = now;
            }
        }
        match allowance.left.checked_sub(1) {
            Some(left) => {
                allowance.left = left;
                Ok(())
            }
            None => Err(COMPLAINT_INTERVAL.saturating_sub(now - allowance.since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{ClientChecks, Domain, Ed25519, Mode, signature::public_key};
    use keys::SigningKey;

    #[test]
    fn a_complaint_holds_for_its_own_key_term_and_request_only() {
        let validators = (1..=4).map(|seed| public_key(&SigningKey::from_bytes(&[seed; 32])));
        let domain = Domain {
            network: Hash([5; 32]),
            mode: Mode::Byzantine,
        };
        let configuration =
            Configuration::genesis(domain, validators.collect(), ClientChecks::All).unwrap();
        let client = SigningKey::from_bytes(&[9; 32]);
        let complaint = Complaint {
            term: Term(3),
            leader: NodeId(3),
            key: RequestKey {
                account: [7; 32],
                nonce: 1,
            },
        };
        let signature = complaint.sign(&configuration, &client);
        let verifier = Ed25519::default();
        let holds = |complaint: Complaint, key: &SigningKey| {
            complaint.holds(&configuration, &public_key(key), &signature, &verifier)
        };
        assert!(holds(complaint, &client));
        assert!(!holds(complaint, &SigningKey::from_bytes(&[8; 32])));
        assert!(!holds(
            Complaint {
                term: Term(4),
                ..complaint
            },
            &client
        ));
        assert!(!holds(
            Complaint {
                leader: NodeId(2),
                ..complaint
            },
            &client
        ));
        let key = RequestKey {
            nonce: 2,
            ..complaint.key
        };
        assert!(!holds(Complaint { key, ..complaint }, &client));
    }

    #[test]
    fn a_key_complains_in_bursts_and_then_at_a_steady_rate() {
        let mut allowances = Allowances::default();
        let start = Instant::now();
        for _ in 0..COMPLAINT_BURST {
            assert_eq!(allowances.take(Origin::Key([1; 32]), start), Ok(()));
        }
        assert_eq!(
            allowances.take(Origin::Key([1; 32]), start),
            Err(COMPLAINT_INTERVAL)
        );
        assert_eq!(allowances.take(Origin::Key([2; 32]), start), Ok(()));
        let later = start + COMPLAINT_INTERVAL * 2;
        assert_eq!(allowances.take(Origin::Key([1; 32]), later), Ok(()));
        assert_eq!(allowances.take(Origin::Key([1; 32]), later), Ok(()));
        assert!(allowances.take(Origin::Key([1; 32]), later).is_err());
        let much_later = later + COMPLAINT_INTERVAL * 1000;
        for _ in 0..COMPLAINT_BURST {
            assert_eq!(allowances.take(Origin::Key([1; 32]), much_later), Ok(()));
        }
        assert!(allowances.take(Origin::Key([1; 32]), much_later).is_err());
    }

    #[test]
    fn few_keys_are_counted_at_a_time() {
        let mut allowances = Allowances::default();
        let now = Instant::now();
        for number in 0..2 * COMPLAINING_KEYS as u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            assert_eq!(allowances.take(Origin::Key(key), now), Ok(()));
        }
        assert_eq!(allowances.of_origin.len(), COMPLAINING_KEYS);
        assert_eq!(allowances.order.len(), COMPLAINING_KEYS);
    }
}
