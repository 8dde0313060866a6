//! Which addresses are somebody's own: the special-purpose registries of IANA, and what they lead to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, that nothing is sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressKind {
    /// `0.0.0.0/8`, `::`: this host.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`.
    Private,
    /// `100.64.0.0/10`: behind a carrier's translation, and where clouds keep services of their own.
    CarrierGrade,
    /// `169.254.0.0/16`, `fe80::/10`: the metadata services of clouds among others.
    LinkLocal,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// `198.18.0.0/15`, `2001:2::/48`.
    Benchmark,
    /// `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24`, `2001:db8::/32`, `3fff::/20`.
    Documentation,
    /// An IPv4 address in the clothes of IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    Translated,
    /// `168.63.129.16`, by which a large cloud talks to its machines.
    CloudInternal,
    /// `240.0.0.0/4`, `192.0.0.0/24`, and all of IPv6 that is not given out.
    Reserved,
}

impl AddressKind {
    /// One word; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierGrade => "carrier-grade",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Benchmark => "benchmark",
            Self::Documentation => "documentation",
            Self::Translated => "translated",
            Self::CloudInternal => "cloud-internal",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// What keeps an address from being anybody's on the internet. `None` if it is public.
pub(crate) const fn special(address: IpAddr) -> Option<AddressKind> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

const fn special_v4(address: Ipv4Addr) -> Option<AddressKind> {
    Some(match address.octets() {
        [0, ..] => AddressKind::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        [100, 64..=127, ..] => AddressKind::CarrierGrade,
        [127, ..] => AddressKind::Loopback,
        [169, 254, ..] => AddressKind::LinkLocal,
        [168, 63, 129, 16] => AddressKind::CloudInternal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressKind::Documentation,
        // Protocol assignments; the relays of 6to4.
        [192, 0, 0, _] | [240..=255, ..] => AddressKind::Reserved,
        [192, 88, 99, _] => AddressKind::Translated,
        [198, 18..=19, ..] => AddressKind::Benchmark,
        [224..=239, ..] => AddressKind::Multicast,
        _ => return None,
    })
}

/// Refused unless it is among what is given out, `2000::/3`, and no exception there.
const fn special_v6(address: Ipv6Addr) -> Option<AddressKind> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        // Compatible and mapped; mapped by translators (`::ffff:0:0:0/96`); NAT64, well known and local.
        [0, 0, 0, 0, 0 | 0xffff, ..] => AddressKind::Translated,
        [0x0064, 0xff9b, ..] => AddressKind::Translated,
        // Teredo and 6to4.
        [0x2001, 0, ..] | [0x2002, ..] => AddressKind::Translated,
        [0x2001, 2, 0, ..] => AddressKind::Benchmark,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressKind::Documentation,
        // The rest of `2001::/23`: protocol assignments, ORCHID.
        [0x2001, 0..=0x01ff, ..] => AddressKind::Reserved,
        [0x2000..=0x3fff, ..] => return None,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        _ => AddressKind::Reserved,
    })
}

/// The IPv4 address that a packet to this one would be sent to, for prefixes that say so in full.
pub(crate) const fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(address: &str) -> Option<AddressKind> {
        special(address.parse().unwrap())
    }

    /// First and last of each range, and the neighbours that are outside.
    #[test]
    fn ranges_begin_and_end_where_they_should() {
        use AddressKind as K;
        for (kind, inside, outside) in [
            (K::Unspecified, &["0.0.0.0", "0.1.2.3", "0.255.255.255", "::"][..], &["1.0.0.0"][..]),
            (K::Private, &["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
            (K::Private, &["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            (K::Private, &["192.168.0.0", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
            (K::Private, &["fc00::", "fd00:ec2::254", "fdff:ffff::"], &[]),
            (
                K::CarrierGrade,
                &["100.64.0.0", "100.127.255.255"],
                &["100.63.255.255", "100.128.0.0"],
            ),
            (
                K::Loopback,
                &["127.0.0.1", "127.255.255.255", "::1"],
                &["126.255.255.255", "128.0.0.0"],
            ),
            (
                K::LinkLocal,
                &["169.254.169.254", "fe80::1", "febf::"],
                &["169.253.0.0", "169.255.0.0"],
            ),
            (K::CloudInternal, &["168.63.129.16"], &["168.63.129.15", "168.63.129.17"]),
            (
                K::Benchmark,
                &["198.18.0.1", "198.19.255.255", "2001:2::1"],
                &["198.17.255.255", "198.20.0.0"],
            ),
            (
                K::Documentation,
                &["192.0.2.1", "198.51.100.1", "203.0.113.1"],
                &["192.0.3.0", "198.51.101.0"],
            ),
            (
                K::Documentation,
                &["2001:db8::1", "3fff::", "3fff:fff::"],
                &["2001:db9::", "3fff:1000::"],
            ),
            (K::Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"], &["223.255.255.255"]),
            (K::Reserved, &["240.0.0.0", "255.255.255.255", "192.0.0.8"], &["192.0.1.0"]),
            (
                K::Reserved,
                &["2001:20::", "2001:1::1", "4000::", "1fff::", "fec0::1", "100::1", "5f00::"],
                &["2001:200::", "2000::", "2606:4700::1111"],
            ),
            (K::Translated, &["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "::8.8.8.8"], &[]),
            (K::Translated, &["64:ff9b::7f00:1", "64:ff9b:1::1", "::ffff:0:7f00:1"], &[]),
            (
                K::Translated,
                &["2002:7f00:1::1", "2001::1", "2001:0:ffff::", "192.88.99.1"],
                &["2003::"],
            ),
        ] {
            for address in inside {
                assert_eq!(of(address), Some(kind), "{address}");
            }
            for address in outside {
                assert_eq!(of(address), None, "{address}");
            }
        }
    }

    proptest! {
        /// As the standard library sees it, where that is stable.
        #[test]
        fn nothing_is_public_that_the_standard_library_says_is_not(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let is_special = v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation()
                || v4.is_unspecified();
            prop_assert!(!is_special || special_v4(v4).is_some());
            prop_assert_eq!(special(v4.to_ipv6_mapped().into()), Some(AddressKind::Translated));
            prop_assert!(special(v4.to_ipv6_compatible().into()).is_some());
        }

        #[test]
        fn all_of_ipv6_that_is_not_given_out_is_special(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            prop_assert!(bits >> 125 == 1 || special_v6(v6).is_some());
        }
    }
}
