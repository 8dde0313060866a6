use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;
use ipnet::{IpNet, Ipv4Net};
use stonework_core::{ConfigError, ConfigErrors};

use super::address::{embedded, special};
use super::error::Forbidden;

/// Where requests may go: to public addresses, over https, on the ports of web servers, unless you say otherwise.
///
/// It judges a URL when it is [registered](Self::check_url), and each address just before it is connected to: a name leads
/// elsewhere from one moment to the next, and what it led to when it was registered says nothing. Clones are cheap.
///
/// Behind NAT64, an address of IPv6 leads to one of IPv4. The well-known prefix `64:ff9b::/96` and the local one of RFC 8215,
/// `64:ff9b:1::/48`, are refused; if the first is allowed, what it leads to is judged too. A prefix out of your network's own
/// addresses looks like any public one: [`deny`](EgressGuardBuilder::deny) it, or `10.0.0.1` can be reached through it. Do not
/// allow a local prefix that leads to private addresses: what stands behind it is not looked at.
///
/// ```
/// use stonework_webhook_delivery::egress::{EgressGuard, Forbidden};
///
/// let guard = EgressGuard::builder().allow("10.20.0.0/16").build()?;
/// assert!(guard.check_url(&"https://example.com/webhooks".parse()?).is_ok());
/// assert!(guard.check_url(&"https://10.20.0.7/webhooks".parse()?).is_ok());
/// let metadata = guard.check_url(&"https://169.254.169.254/".parse()?);
/// assert!(matches!(metadata, Err(Forbidden::Address(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EgressGuard {
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    allowed: Vec<IpNet>,
    denied: Vec<IpNet>,
    /// `None`: any.
    ports: Option<Vec<u16>>,
    http: bool,
    loopback: bool,
}

impl EgressGuard {
    /// Public addresses, https, ports 443 and 8443.
    pub fn new() -> Self {
        Self::builder().into_guard()
    }

    /// A builder with the defaults that its methods name.
    pub fn builder() -> EgressGuardBuilder {
        EgressGuardBuilder {
            allowed: Vec::new(),
            denied: Vec::new(),
            ports: Some(vec![443, 8443]),
            http: false,
            loopback: false,
        }
    }

    /// Judges a URL by all that it says itself: for when somebody registers one. What its name leads to is judged when it
    /// is connected to.
    ///
    /// # Errors
    ///
    /// Why nothing will be sent there.
    pub fn check_url(&self, url: &Uri) -> Result<(), Forbidden> {
        let Some(authority) = url.authority() else { return Err(Forbidden::Incomplete) };
        if authority.as_str().contains('@') {
            return Err(Forbidden::UserInfo);
        }
        let host = host(url).ok_or(Forbidden::Incomplete)?;
        let scheme = url.scheme().ok_or(Forbidden::Incomplete)?;
        let port = port(url).ok_or(Forbidden::Scheme)?;
        if let Some(address) = literal(host) {
            return self.check(scheme, address, port);
        }
        // Only a look-up tells where other names lead; this one may lead nowhere else (RFC 6761, section 6.3).
        let is_local = self.rules.loopback && host.eq_ignore_ascii_case("localhost");
        if is_local && (*scheme == Scheme::HTTP || *scheme == Scheme::HTTPS) {
            return Ok(());
        }
        self.check_scheme(scheme)?;
        self.check_port(port)
    }

    /// Judges what is about to be connected to.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn check(&self, scheme: &Scheme, address: IpAddr, port: u16) -> Result<(), Forbidden> {
        // An address by which one of IPv4 is written is that one.
        let address = address.to_canonical();
        if self.is_denied(address) {
            return Err(Forbidden::Denied);
        }
        if self.rules.loopback && address.is_loopback() {
            let is_web = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
            return if is_web { Ok(()) } else { Err(Forbidden::Scheme) };
        }
        self.check_scheme(scheme)?;
        self.check_port(port)?;
        self.check_address(address)
    }

    /// By its own name, or by that of the address which a translator leads it to.
    fn is_denied(&self, address: IpAddr) -> bool {
        let behind = match address {
            IpAddr::V6(v6) => embedded(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let mut denied = self.rules.denied.iter();
        denied.any(|net| net.contains(&address) || behind.is_some_and(|v4| net.contains(&v4)))
    }

    fn check_scheme(&self, scheme: &Scheme) -> Result<(), Forbidden> {
        if *scheme == Scheme::HTTPS || (self.rules.http && *scheme == Scheme::HTTP) {
            Ok(())
        } else {
            Err(Forbidden::Scheme)
        }
    }

    fn check_port(&self, port: u16) -> Result<(), Forbidden> {
        match &self.rules.ports {
            Some(ports) if !ports.contains(&port) => Err(Forbidden::Port),
            _ => Ok(()),
        }
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Forbidden> {
        let Some(kind) = special(address) else { return Ok(()) };
        if !self.rules.allowed.iter().any(|net| net.contains(&address)) {
            return Err(Forbidden::Address(kind));
        }
        // Who allows NAT64 wants to reach the internet, and not what the translator can reach beside it.
        match address {
            IpAddr::V6(v6) => embedded(v6).map_or(Ok(()), |v4| self.check_address(v4.into())),
            IpAddr::V4(_) => Ok(()),
        }
    }
}

impl Default for EgressGuard {
    fn default() -> Self {
        Self::new()
    }
}

/// The host of a URL, without the brackets of IPv6.
pub(crate) fn host(url: &Uri) -> Option<&str> {
    let host = url.host()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Some(bare.unwrap_or(host)).filter(|host| !host.is_empty())
}

/// An address that is written where a name could be. Other ways to write one, such as `0x7f.1`, are names, and what a
/// resolver makes of them is judged.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// The port that a URL leads to.
pub(crate) fn port(url: &Uri) -> Option<u16> {
    match url.port_u16() {
        Some(port) => Some(port),
        None if url.scheme() == Some(&Scheme::HTTPS) => Some(443),
        None if url.scheme() == Some(&Scheme::HTTP) => Some(80),
        None => None,
    }
}

/// Builds an [`EgressGuard`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct EgressGuardBuilder {
    allowed: Vec<Result<IpNet, String>>,
    denied: Vec<Result<IpNet, String>>,
    ports: Option<Vec<u16>>,
    http: bool,
    loopback: bool,
}

fn net(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map(canonical).map_err(|_| text.to_owned())
}

/// A network of mapped addresses is the one of IPv4: addresses are compared as what they are.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    let v4 = v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    v4.map_or(net, IpNet::V4)
}

impl EgressGuardBuilder {
    /// A network, or an address, that is allowed although it is not public: your own receivers.
    pub fn allow(mut self, network: &str) -> Self {
        self.allowed.push(net(network));
        self
    }

    /// A network, or an address, that is not allowed although it is public: addresses of your own. Comes before all that
    /// is allowed.
    pub fn deny(mut self, network: &str) -> Self {
        self.denied.push(net(network));
        self
    }

    /// The ports that are allowed. Default 443 and 8443.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = Some(ports.into_iter().collect());
        self
    }

    /// Any port: mail servers and databases too, which can sometimes be talked to in HTTP.
    pub fn danger_allow_any_port(mut self) -> Self {
        self.ports = None;
        self
    }

    /// Plain http, where anybody on the way reads along.
    pub fn danger_allow_http(mut self) -> Self {
        self.http = true;
        self
    }

    /// The loopback, over http and https, on any port: for tests and development. A webhook can then be aimed at
    /// whatever listens on this machine.
    pub fn danger_allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// The guard.
    ///
    /// # Errors
    ///
    /// All networks that are none, and a list of no ports.
    pub fn build(self) -> Result<EgressGuard, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        for (setting, networks) in [("allow", &self.allowed), ("deny", &self.denied)] {
            for text in networks.iter().filter_map(|network| network.as_ref().err()) {
                let reason = "is no network; write it as 10.0.0.0/8 or fd00::/8";
                errors.push(ConfigError::new(setting, text, reason));
            }
        }
        if self.ports.as_ref().is_some_and(Vec::is_empty) {
            errors.push(ConfigError::new("ports", "[]", "allows nothing; name at least one"));
        }
        ConfigErrors::check(errors, Ok(self.into_guard()))
    }

    fn into_guard(self) -> EgressGuard {
        let known = |networks: Vec<Result<IpNet, String>>| {
            networks.into_iter().filter_map(Result::ok).collect()
        };
        let rules = Rules {
            allowed: known(self.allowed),
            denied: known(self.denied),
            ports: self.ports,
            http: self.http,
            loopback: self.loopback,
        };
        EgressGuard { rules: Arc::new(rules) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::AddressKind;
    use proptest::prelude::*;

    fn verdict(guard: &EgressGuard, url: &str) -> Result<(), Forbidden> {
        guard.check_url(&url.parse().unwrap())
    }

    #[test]
    fn urls_are_judged_by_what_they_say() {
        let guard = EgressGuard::new();
        for good in ["https://example.com/", "https://example.com:8443/x?y", "https://8.8.8.8/"] {
            assert_eq!(verdict(&guard, good), Ok(()), "{good}");
        }
        assert_eq!(verdict(&guard, "https://[2606:4700::1111]/"), Ok(()));
        for (bad, why) in [
            ("http://example.com/", Forbidden::Scheme),
            ("ftp://example.com/", Forbidden::Scheme),
            ("https://example.com:22/", Forbidden::Port),
            ("https://user:pass@example.com/", Forbidden::UserInfo),
            ("https://example.com@127.0.0.1/", Forbidden::UserInfo),
            ("/path", Forbidden::Incomplete),
            ("https://127.0.0.1/", Forbidden::Address(AddressKind::Loopback)),
            ("https://[::1]/", Forbidden::Address(AddressKind::Loopback)),
            ("https://[::ffff:127.0.0.1]/", Forbidden::Address(AddressKind::Loopback)),
            ("https://[64:ff9b::7f00:1]/", Forbidden::Address(AddressKind::Translated)),
            ("https://169.254.169.254/latest", Forbidden::Address(AddressKind::LinkLocal)),
        ] {
            assert_eq!(verdict(&guard, bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn the_loopback_is_allowed_by_name_only() {
        let guard = EgressGuard::builder().danger_allow_loopback().build().unwrap();
        for good in ["http://127.0.0.1:1234/", "https://localhost:1/", "http://[::1]:80/"] {
            assert_eq!(verdict(&guard, good), Ok(()), "{good}");
        }
        assert_eq!(verdict(&guard, "http://example.com/"), Err(Forbidden::Scheme));
        assert_eq!(verdict(&guard, "https://example.com:81/"), Err(Forbidden::Port));
        let private = Forbidden::Address(AddressKind::Private);
        assert_eq!(verdict(&guard, "https://10.0.0.1/"), Err(private));
        assert_eq!(verdict(&guard, "ftp://127.0.0.1:1/"), Err(Forbidden::Scheme));
    }

    #[test]
    fn lists_are_exact_and_denied_comes_first() {
        let guard = EgressGuard::builder().allow("10.1.0.0/16").deny("10.1.2.3").deny("8.8.0.0/16");
        let guard = guard.build().unwrap();
        assert_eq!(verdict(&guard, "https://10.1.9.9/"), Ok(()));
        assert_eq!(verdict(&guard, "https://[::ffff:10.1.9.9]/"), Ok(()));
        for denied in ["https://10.1.2.3/", "https://8.8.8.8/", "https://[::ffff:8.8.8.8]/"] {
            assert_eq!(verdict(&guard, denied), Err(Forbidden::Denied), "{denied}");
        }
        assert!(verdict(&guard, "https://10.2.0.1/").is_err());
    }

    #[test]
    fn nat64_leads_to_the_internet_and_not_beside_it() {
        let guard = EgressGuard::builder().allow("64:ff9b::/96").build().unwrap();
        assert_eq!(verdict(&guard, "https://[64:ff9b::808:808]/"), Ok(()));
        assert!(verdict(&guard, "https://[64:ff9b::7f00:1]/").is_err());
        assert!(verdict(&guard, "https://[64:ff9b::a00:1]/").is_err());
    }

    #[test]
    fn what_is_denied_is_denied_behind_a_translator_and_in_other_clothes() {
        let guard = EgressGuard::builder().allow("64:ff9b::/96").deny("8.8.8.0/24");
        let guard = guard.deny("::ffff:9.9.9.9").deny("::ffff:1.1.1.0/120").build().unwrap();
        for denied in ["[64:ff9b::808:808]", "9.9.9.9", "[::ffff:9.9.9.9]", "1.1.1.7"] {
            let url = format!("https://{denied}/");
            assert_eq!(verdict(&guard, &url), Err(Forbidden::Denied), "{denied}");
        }
        for good in ["[64:ff9b::808:909]", "9.9.9.8", "1.1.2.1"] {
            assert_eq!(verdict(&guard, &format!("https://{good}/")), Ok(()), "{good}");
        }
    }

    #[test]
    fn all_mistakes_are_told() {
        let guard = EgressGuard::builder().allow("10.0.0.0/33").deny("x").ports([]);
        assert_eq!(guard.build().unwrap_err().as_slice().len(), 3);
    }

    proptest! {
        #[test]
        fn no_url_panics(url in "(https?|ftp)://[a-z0-9.:@\\[\\]%]{0,24}/?") {
            if let Ok(url) = url.parse() {
                let _ = EgressGuard::new().check_url(&url);
            }
        }
    }
}
