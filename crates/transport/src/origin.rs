//! Who pays for what a client takes: its key where it is known, its address otherwise (P12.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::admission::Standing;
use crate::identity::PeerKey;

/// Bits of an IPv6 address that name a network: within it, addresses cost nothing.
const IPV6_NETWORK_BITS: u32 = 64;

/// By what the places, rates and memory of clients are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A member, by its proven key.
    Key(PeerKey),
    /// All strangers of an IPv4 address.
    V4(Ipv4Addr),
    /// All strangers of an IPv6 network of 64 bits, by its first address.
    V6(Ipv6Addr),
}

impl Origin {
    /// Whose share a client takes that proved `key` and comes from `address`.
    #[must_use]
    pub fn of(standing: Standing, key: PeerKey, address: SocketAddr) -> Self {
        match standing {
            Standing::Member => Self::Key(key),
            Standing::Stranger => Self::at(address.ip()),
        }
    }

    fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS;
                Self::V6(Ipv6Addr::from_bits(network))
            }
        }
    }

    /// Whether nobody vouches for it.
    #[must_use]
    pub const fn is_stranger(&self) -> bool {
        !matches!(self, Self::Key(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(address: &str) -> Origin {
        Origin::of(Standing::Stranger, [1; 32], address.parse().unwrap())
    }

    #[test]
    fn a_member_is_its_key_wherever_it_is() {
        let member =
            |address: &str| Origin::of(Standing::Member, [1; 32], address.parse().unwrap());
        assert_eq!(member("10.0.0.1:1"), member("[::1]:2"));
        assert!(!member("10.0.0.1:1").is_stranger());
    }

    #[test]
    fn strangers_are_told_apart_by_address_and_not_by_port_or_key() {
        assert_eq!(stranger("10.0.0.1:1"), stranger("10.0.0.1:2"));
        assert_ne!(stranger("10.0.0.1:1"), stranger("10.0.0.2:1"));
        assert_eq!(
            stranger("[2001:db8::1]:1"),
            stranger("[2001:db8::ffff:2]:1")
        );
        assert_ne!(stranger("[2001:db8::1]:1"), stranger("[2001:db8:0:1::1]:1"));
        assert_eq!(stranger("[::ffff:10.0.0.1]:1"), stranger("10.0.0.1:7"));
        assert!(stranger("10.0.0.1:1").is_stranger());
    }
}
