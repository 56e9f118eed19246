//! How many connections each address has, and how fast it opens them.
//!
//! An address here is what one client controls: all of an IPv4 address, the /64 of an IPv6 one.
//! Who is exempt the hub decides. The table holds only addresses that have a connection or have had
//! one lately.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;

use crate::rate::{Bucket, Rate};
use crate::time::Time;

/// What is counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(NonZeroU64);

impl AddressKey {
    /// The key that `address` is counted under.
    pub fn new(address: IpAddr) -> AddressKey {
        let key = match address.to_canonical() {
            // No IPv6 prefix in use starts with 32 bits of zero, so the two do not meet.
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
        };
        // The prefix of `::1` is all zeros. Multicast has the one that is all ones, and no sender.
        AddressKey(NonZeroU64::new(key).unwrap_or(NonZeroU64::MAX))
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == NonZeroU64::MAX {
            return f.write_str("::/64");
        }
        match u32::try_from(self.0.get()) {
            Ok(v4) => Ipv4Addr::from_bits(v4).fmt(f),
            Err(_) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(self.0.get()) << 64)),
        }
    }
}

/// The bounds for one address.
#[derive(Clone, Copy, Debug)]
pub struct AddressLimits {
    /// Connections open at once.
    pub open_max: u32,
    /// New connections.
    pub rate: Rate,
}

/// The addresses that are counted.
#[derive(Debug, Default)]
pub struct Addresses {
    // std's map hashes with a key of its own: clients choose what is looked up here.
    counted: HashMap<AddressKey, Counted>,
    /// The size of the table after which it is cleaned up.
    clean_at: usize,
}

#[derive(Debug)]
struct Counted {
    open: u32,
    bucket: Bucket,
}

/// A table smaller than this is not worth cleaning up.
const CLEAN_AT_MIN: usize = 1024;

impl Addresses {
    /// Counts a new connection from `key`; `false` if it is one too many.
    #[must_use]
    pub fn connect(&mut self, key: AddressKey, limits: AddressLimits, now: Time) -> bool {
        self.clean_up(limits, now);
        let counted = self
            .counted
            .entry(key)
            .or_insert_with(|| Counted { open: 0, bucket: Bucket::new(limits.rate, now) });
        let allowed = counted.open < limits.open_max && counted.bucket.take(limits.rate, 1, now);
        if allowed {
            counted.open += 1;
        }
        allowed
    }

    /// A connection from `key` has ended.
    pub fn disconnect(&mut self, key: AddressKey) {
        if let Some(counted) = self.counted.get_mut(&key) {
            debug_assert!(counted.open > 0);
            counted.open -= 1;
        }
    }

    /// Forgets addresses that have no connection and a full bucket, whenever the table has doubled:
    /// so it is at most twice as large as what it must remember.
    fn clean_up(&mut self, limits: AddressLimits, now: Time) {
        if self.counted.len() < self.clean_at.max(CLEAN_AT_MIN) {
            return;
        }
        self.counted
            .retain(|_, counted| counted.open > 0 || !counted.bucket.is_full(limits.rate, now));
        self.clean_at = self.counted.len() * 2;
        self.counted.shrink_to(self.clean_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AddressLimits = AddressLimits { open_max: 3, rate: Rate::per_second(2, 4) };

    fn key(address: &str) -> AddressKey {
        AddressKey::new(address.parse().unwrap())
    }

    #[test]
    fn address_is_what_one_party_controls() {
        assert_ne!(key("127.0.0.1"), key("127.0.0.2"));
        assert_ne!(key("127.0.0.1"), key("::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:0:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(key("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(key("::1").to_string(), "::/64");
    }

    #[test]
    fn address_has_a_number_and_a_rate_of_connections() {
        let mut addresses = Addresses::default();
        let (one, other) = (key("192.0.2.1"), key("192.0.2.2"));
        let now = Time::ZERO;
        let opened = (0..10).filter(|_| addresses.connect(one, LIMITS, now)).count();
        assert_eq!(opened, 3);
        assert!(addresses.connect(other, LIMITS, now));
        addresses.disconnect(one);
        assert!(addresses.connect(one, LIMITS, now), "the fourth of the burst");
        addresses.disconnect(one);
        assert!(!addresses.connect(one, LIMITS, now), "the burst is used up");
        assert!(addresses.connect(one, LIMITS, Time::from_ms(500)));
    }

    #[test]
    fn table_forgets_addresses_that_are_gone() {
        let mut addresses = Addresses::default();
        for index in 0..100_000_u64 {
            let now = Time::from_ms(index);
            let key = AddressKey(NonZeroU64::new(index + 1).unwrap());
            assert!(addresses.connect(key, LIMITS, now));
            addresses.disconnect(key);
        }
        // Each is remembered for half a second, and one comes every millisecond.
        assert!(addresses.counted.len() <= 2 * CLEAN_AT_MIN, "{}", addresses.counted.len());
    }
}
