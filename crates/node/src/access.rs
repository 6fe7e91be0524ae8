//! Who may connect (P12.2).

use std::{collections::HashSet, sync::Arc};

use consensus::{Configuration, PublicKey};
use keys::{Access, Genesis};
use transport::{Admission, Hello, PeerKey, Refusal, RefusalReason, Role, Standing};

use crate::application::KnownKeys;

/// Lets in whom genesis and the application know: only the configured keys as validators; as
/// clients members alone, or anybody, within the transport's bounds.
pub(crate) struct Doorkeeper {
    configuration: Arc<Configuration>,
    access: Access,
    /// The admin and the listed readers.
    listed: HashSet<PeerKey>,
    accounts: Option<Arc<dyn KnownKeys>>,
}

impl Doorkeeper {
    pub(crate) fn new(
        genesis: &Genesis,
        configuration: Arc<Configuration>,
        accounts: Option<Arc<dyn KnownKeys>>,
    ) -> Self {
        let listed = genesis.readers().iter().chain([genesis.admin()]);
        Self {
            configuration,
            access: genesis.access(),
            listed: listed.map(|key| *key.as_bytes()).collect(),
            accounts,
        }
    }

    fn is_validator(&self, key: &PeerKey) -> bool {
        self.configuration.node(&PublicKey(*key)).is_some()
    }

    fn is_member(&self, key: &PeerKey) -> bool {
        let has_account = || {
            let accounts = self.accounts.as_ref();
            accounts.is_some_and(|accounts| accounts.knows(key))
        };
        self.listed.contains(key) || self.is_validator(key) || has_account()
    }
}

impl Admission for Doorkeeper {
    fn admit(&self, key: PeerKey, hello: &Hello) -> Result<Standing, Refusal> {
        let unknown = |text| Err(Refusal::new(RefusalReason::UnknownKey, text));
        match hello.role {
            Role::Validator if self.is_validator(&key) => Ok(Standing::Member),
            Role::Validator => unknown("this key is none of the validators'"),
            Role::Client if self.is_member(&key) => Ok(Standing::Member),
            Role::Client if self.access == Access::Anybody => Ok(Standing::Stranger),
            Role::Client => unknown(
                "this network serves its members only, and this key is neither an account's, nor \
                 the admin's, nor a validator's, nor a listed reader's",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use keys::{Account, Asset, GenesisFile, Incarnation, KeyPair, Mode, Validator};
    use transport::PROTOCOL_VERSION;

    use super::*;

    struct Only(PeerKey);

    impl KnownKeys for Only {
        fn knows(&self, key: &PeerKey) -> bool {
            self.0 == *key
        }
    }

    fn key(name: &str) -> PeerKey {
        *KeyPair::from_seed(name).public_key().as_bytes()
    }

    fn doorkeeper(access: Access) -> Doorkeeper {
        let readers = match access {
            Access::Members => vec![KeyPair::from_seed("reader").public_key()],
            Access::Anybody => Vec::new(),
        };
        let validator = |number: u16| Validator {
            name: format!("n{number}"),
            key: KeyPair::from_seed(&format!("n{number}")).validator_key(),
            incarnation: Incarnation::from_seed(&format!("n{number}")).hash(),
            address: ([127, 0, 0, 1], 4100 + number).into(),
        };
        let genesis = Genesis::new(GenesisFile {
            format: keys::genesis::FORMAT,
            network: "test".to_owned(),
            mode: Mode::Byzantine,
            client_checks: None,
            access,
            created_unix_ms: 0,
            validators: (0..4).map(validator).collect(),
            admin: KeyPair::from_seed("admin").public_key(),
            assets: vec![Asset {
                code: "COIN".to_owned(),
                decimals: 2,
            }],
            accounts: vec![Account {
                name: "alice".to_owned(),
                key: KeyPair::from_seed("alice").public_key(),
                balances: Default::default(),
            }],
            readers,
        });
        let genesis = genesis.unwrap();
        let configuration = Arc::new(crate::configuration(&genesis, None).unwrap());
        let accounts: Arc<dyn KnownKeys> = Arc::new(Only(key("alice")));
        Doorkeeper::new(&genesis, configuration, Some(accounts))
    }

    fn admitted(
        doorkeeper: &Doorkeeper,
        name: &str,
        role: Role,
    ) -> Result<Standing, RefusalReason> {
        let hello = Hello {
            version: PROTOCOL_VERSION,
            network: [0; 32],
            mode: 2,
            role,
        };
        let admitted = doorkeeper.admit(key(name), &hello);
        admitted.map_err(|refusal| refusal.reason)
    }

    #[test]
    fn a_network_of_members_turns_strangers_away() {
        let doorkeeper = doorkeeper(Access::Members);
        for member in ["alice", "admin", "reader", "n3"] {
            let standing = admitted(&doorkeeper, member, Role::Client);
            assert_eq!(standing, Ok(Standing::Member), "{member}");
        }
        let stranger = admitted(&doorkeeper, "mallory", Role::Client);
        assert_eq!(stranger, Err(RefusalReason::UnknownKey));
    }

    #[test]
    fn a_network_of_anybody_tells_strangers_from_members() {
        let doorkeeper = doorkeeper(Access::Anybody);
        let standing = |name| admitted(&doorkeeper, name, Role::Client);
        assert_eq!(standing("alice"), Ok(Standing::Member));
        assert_eq!(standing("mallory"), Ok(Standing::Stranger));
    }

    #[test]
    fn only_validators_are_validators_whoever_may_be_a_client() {
        for access in [Access::Members, Access::Anybody] {
            let doorkeeper = doorkeeper(access);
            let admitted = |name| admitted(&doorkeeper, name, Role::Validator);
            assert_eq!(admitted("n0"), Ok(Standing::Member));
            for other in ["alice", "admin", "mallory"] {
                assert_eq!(admitted(other), Err(RefusalReason::UnknownKey), "{other}");
            }
        }
    }
}
