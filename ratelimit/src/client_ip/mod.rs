//! Who is asking, by address.

mod forwarded;
mod node;
mod peer;
mod x_forwarded_for;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderName;
use http::header::FORWARDED;
use ipnet::{IpNet, Ipv4Net};
use stonework_core::{ConfigError, Key, RequestHead};

pub use peer::PeerAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many addresses of the header are looked at. No chain of proxies is as long.
const MAX_HOPS: usize = 64;

/// Identifies clients by address, and believes only the proxies that you name.
///
/// Whoever connects can write into a request what they like, so a header with addresses is worth no
/// more than the one who wrote it. The walk starts with the peer, whose address comes from the
/// connection. As long as the current address is a trusted proxy's, the next one is taken, from the
/// right: the last one was added by the peer, the one before by the proxy in front of it. The first
/// address that is not trusted is the client, and what stands left of it may be anything. An element
/// that is no address (`unknown`, `_hidden`, a mistake) ends the walk as well: then it is the proxy
/// that could say no more.
///
/// ```
/// use stonework_ratelimit::{ClientIp, PeerAddr, RequestHead};
///
/// let clients = ClientIp::peer().trust(["10.0.0.0/8"]);
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddr("10.0.0.9:4711".parse()?));
/// request.headers_mut().insert("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2".parse()?);
///
/// let client = clients.address(&RequestHead::of(&request));
/// assert_eq!(client, Some("203.0.113.9".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Who shares a limit
///
/// An IPv6 client has a whole network, a /64 or more, and an address in it is no limit to it. So
/// addresses count by their [prefix](Self::v6_prefix). An IPv4 address counts as such in all its
/// spellings, `::ffff:203.0.113.9` among them.
///
/// # The peer
///
/// The first of these that a request has in its extensions: [`PeerAddr`], which is ours and wins
/// for that reason; axum's `ConnectInfo<SocketAddr>` (feature `axum-0-8`); tonic's `TcpConnectInfo`
/// (feature `tonic-0-14`). tonic's servers with TLS leave another type, so put a [`PeerAddr`] there.
/// Without a peer there is no address, whatever the headers say.
#[derive(Clone, Debug)]
pub struct ClientIp {
    networks: Vec<IpNet>,
    not_networks: Vec<ConfigError>,
    hops: Option<usize>,
    header: ForwardedBy,
    v4_prefix: u8,
    v6_prefix: u8,
}

/// Where proxies write whom they act for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, which nearly all of them write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239), by its parameter `for`.
    Forwarded,
}

impl ClientIp {
    /// The one who connects is the client. No header is read.
    pub const fn peer() -> Self {
        Self {
            networks: Vec::new(),
            not_networks: Vec::new(),
            hops: None,
            header: ForwardedBy::XForwardedFor,
            v4_prefix: 32,
            v6_prefix: 64,
        }
    }

    /// Believes proxies in these networks, such as `10.0.0.0/8` or `2001:db8::7`, and no one else.
    ///
    /// What is no network, and one of all addresses, is an error of the layer that is built with it.
    #[must_use]
    pub fn trust<I>(mut self, networks: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        for text in networks {
            match network(text.as_ref()) {
                Ok(network) => self.networks.push(network),
                Err(reason) => {
                    self.not_networks.push(ConfigError::new("trust", text.as_ref(), reason));
                }
            }
        }
        self
    }

    /// Believes this many proxies, whatever their addresses: the one that connects, the one in
    /// front of it, and so on.
    ///
    /// For proxies without fixed addresses. It is only safe if every request comes through all of
    /// them: one that finds a shorter way in, chooses its own address. At most 64, and not
    /// together with [`trust`](Self::trust): one of the two would be weaker than it looks.
    #[must_use]
    pub const fn trust_hops(mut self, proxies: usize) -> Self {
        self.hops = Some(proxies);
        self
    }

    /// The header to read. The other one is never looked at: a proxy that writes one of them lets
    /// the other pass as the client sent it.
    #[must_use]
    pub const fn header(mut self, header: ForwardedBy) -> Self {
        self.header = header;
        self
    }

    /// IPv6 addresses that agree in this many bits are one client: 64 if not set, at most 128.
    #[must_use]
    pub const fn v6_prefix(mut self, bits: u8) -> Self {
        self.v6_prefix = bits;
        self
    }

    /// IPv4 addresses that agree in this many bits are one client: 32 if not set, which is also the
    /// most.
    #[must_use]
    pub const fn v4_prefix(mut self, bits: u8) -> Self {
        self.v4_prefix = bits;
        self
    }

    /// The client's address, if the peer's is known.
    pub fn address(&self, head: &RequestHead<'_>) -> Option<IpAddr> {
        let peer = peer::address(head.extensions)?;
        let name = match self.header {
            ForwardedBy::XForwardedFor => X_FORWARDED_FOR,
            ForwardedBy::Forwarded => FORWARDED,
        };
        let lines = head.headers.get_all(name).iter().rev();
        Some(self.walk(peer, lines.map(http::HeaderValue::as_bytes)))
    }

    /// What the client's limits are kept under: the prefix of its address, 4 bytes for IPv4 and 16
    /// for IPv6. For closures that count by something else first, and by address where it is
    /// missing; put a byte of your own before each kind, so that keys of two kinds never meet.
    pub fn key(&self, head: &RequestHead<'_>) -> Option<Key> {
        self.address(head).map(|address| Key::from(self.prefix(address)))
    }

    /// What is wrong with the settings.
    pub(crate) fn errors(&self) -> Vec<ConfigError> {
        let mut errors = self.not_networks.clone();
        let mut check = |wrong: bool, setting, value: usize, reason| {
            if wrong {
                errors.push(ConfigError::new(setting, value, reason));
            }
        };
        let hops = self.hops.unwrap_or(0);
        let both = self.hops.is_some() && !self.networks.is_empty();
        let (v4, v6) = (usize::from(self.v4_prefix), usize::from(self.v6_prefix));
        check(both, "trust_hops", hops, "is set beside trust; use one of them");
        check(hops > MAX_HOPS, "trust_hops", hops, "is more than 64; count the proxies in front");
        check(
            !(1..=32).contains(&v4),
            "v4_prefix",
            v4,
            "is no prefix that tells any two; use 1 to 32",
        );
        check(
            !(1..=128).contains(&v6),
            "v6_prefix",
            v6,
            "is no prefix that tells any two; use 1 to 128",
        );
        errors
    }

    /// The lines of the header, the last one first.
    pub(crate) fn walk<'a>(&self, peer: IpAddr, lines: impl Iterator<Item = &'a [u8]>) -> IpAddr {
        match self.header {
            ForwardedBy::XForwardedFor => self.follow(peer, lines.flat_map(x_forwarded_for::read)),
            ForwardedBy::Forwarded => self.follow(peer, lines.flat_map(forwarded::read)),
        }
    }

    /// Reads an element only once the one who wrote it is known to be trusted.
    fn follow(&self, peer: IpAddr, elements: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut elements = elements.take(MAX_HOPS);
        let mut current = peer;
        let mut passed = 0;
        while self.trusts(current, passed) {
            let Some(Some(next)) = elements.next() else { break };
            current = next;
            passed += 1;
        }
        current
    }

    /// Where both settings are given, which no layer accepts, both have to agree.
    fn trusts(&self, address: IpAddr, passed: usize) -> bool {
        let counted = self.hops.is_some_and(|hops| passed < hops);
        let known = || self.networks.iter().any(|network| network.contains(&address));
        match (self.hops.is_some(), self.networks.is_empty()) {
            (true, true) => counted,
            (true, false) => counted && known(),
            (false, _) => known(),
        }
    }

    fn prefix(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => {
                let mask = mask(self.v4_prefix, 32) as u32;
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask(self.v6_prefix, 128)))
            }
        }
    }
}

/// The highest `ones` of so many bits.
const fn mask(ones: u8, bits: u8) -> u128 {
    match u128::MAX.checked_shl(bits.saturating_sub(ones) as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| address());
    let network =
        network.map_err(|_| "is no network; use one such as 10.0.0.0/8 or 2001:db8::7")?;
    // Afterwards, since `::ffff:0:0/96` is all of IPv4.
    let network = unmapped(network);
    if network.prefix_len() == 0 {
        return Err("is everyone, who could then claim any address; name your proxies' networks");
    }
    Ok(network)
}

/// Addresses are compared as IPv4 where they are, so such networks have to be IPv4 as well.
fn unmapped(network: IpNet) -> IpNet {
    let v4 = match network {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let v4 = v4.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

#[cfg(feature = "testing")]
pub(crate) mod readers {
    //! The readers of one line, for fuzzing.
    pub(crate) use super::forwarded::read as forwarded;
    pub(crate) use super::x_forwarded_for::read as x_forwarded_for;
}

#[cfg(test)]
mod tests;
