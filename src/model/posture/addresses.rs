//! Sets of IP addresses of both families.

use std::net::IpAddr;

use ipnet::IpNet;
use range_set_blaze::RangeSetBlaze;

/// Some addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    v4: RangeSetBlaze<u32>,
    v6: RangeSetBlaze<u128>,
}

/// Addresses that no host of the internet has: private, shared, link-local, loopback, multicast and reserved ones.
const NOT_PUBLIC: [&str; 12] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001:db8::/32",
];

/// So many addresses are "the internet": as many as a /8 of IPv4, a /16 of IPv6. Lists of a cloud's or a CDN's networks stay
/// below it, halves of the whole do not.
const MUCH_OF_V4: f64 = 16_777_216.0;
const MUCH_OF_V6: f64 = 5.192_296_858_534_828e33;

impl Addresses {
    /// Every address.
    pub(super) fn all() -> Self {
        Self { v4: RangeSetBlaze::from_iter([0..=u32::MAX]), v6: RangeSetBlaze::from_iter([0..=u128::MAX]) }
    }

    /// The addresses of a block.
    pub(super) fn of(net: &IpNet) -> Self {
        let mut set = Self::default();
        match net {
            IpNet::V4(net) => {
                set.v4 = RangeSetBlaze::from_iter([net.network().to_bits()..=net.broadcast().to_bits()]);
            }
            IpNet::V6(net) => {
                set.v6 = RangeSetBlaze::from_iter([net.network().to_bits()..=net.broadcast().to_bits()]);
            }
        }
        set
    }

    /// Those of either.
    pub(super) fn with(&self, other: &Self) -> Self {
        Self { v4: &self.v4 | &other.v4, v6: &self.v6 | &other.v6 }
    }

    /// Those that are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self { v4: &self.v4 - &other.v4, v6: &self.v6 - &other.v6 }
    }

    /// Whether the address is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.contains(address.to_bits()),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether they are all addresses of a family.
    pub(super) fn is_a_whole_family(&self) -> bool {
        (!&self.v4).is_empty() || (!&self.v6).is_empty()
    }

    /// Whether much of the internet is among them.
    pub(super) fn holds_the_internet(&self) -> bool {
        let private = NOT_PUBLIC.iter().filter_map(|net| net.parse().ok()).map(|net| Self::of(&net));
        let public = private.fold(self.clone(), |left, net| left.without(&net));
        #[expect(clippy::cast_precision_loss, reason = "only the order of magnitude matters")]
        let v6: f64 = public.v6.ranges().map(|range| (range.end() - range.start()) as f64 + 1.0).sum();
        let v4: f64 = public.v4.ranges().map(|range| f64::from(range.end() - range.start()) + 1.0).sum();
        v4 >= MUCH_OF_V4 || v6 >= MUCH_OF_V6
    }
}
