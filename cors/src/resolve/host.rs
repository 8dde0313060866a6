use std::collections::HashMap;
use std::fmt;

use http::header::HOST;
use stonework_core::{ConfigError, ConfigErrors, RequestHead, StoreError, StoreFuture};

use super::PolicyResolver;
use crate::Policy;
use crate::origin::is_host;

/// A policy for each host name that the service answers to.
///
/// The host is that of the request's URI, or else of its one `Host` header. Case, port and a dot at the
/// end do not matter. Without a policy for it, nobody is allowed. A `Host` that a proxy has rewritten is
/// the one that is seen here.
///
/// ```
/// use stonework_cors::{ByHost, CorsLayer, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shop = Policy::builder().origins(["https://shop.example"]).credentials(true).build()?;
/// let data = Policy::builder().origins(["*"]).build()?;
/// let hosts = ByHost::new([("api.shop.example", shop), ("data.shop.example", data)])?;
/// let cors = CorsLayer::builder().policies(hosts).build()?;
/// # let _ = cors;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ByHost {
    policies: HashMap<Box<str>, Policy>,
}

impl ByHost {
    /// These policies, by host names in any case.
    ///
    /// # Errors
    ///
    /// Names that are none, or that are there twice.
    pub fn new<H: AsRef<str>>(
        policies: impl IntoIterator<Item = (H, Policy)>,
    ) -> Result<Self, ConfigErrors<ConfigError>> {
        let (mut known, mut errors) = (HashMap::new(), Vec::new());
        for (host, policy) in policies {
            let host = host.as_ref();
            let name = host.to_ascii_lowercase();
            let name = name.strip_suffix('.').unwrap_or(&name);
            if !is_host(name.as_bytes()) {
                let reason = "is no host name; write it without a scheme and a port";
                errors.push(ConfigError::new("host", host, reason));
            } else if known.insert(name.into(), policy).is_some() {
                errors.push(ConfigError::new("host", host, "is there twice; leave one out"));
            }
        }
        ConfigErrors::check(errors, Ok(Self { policies: known }))
    }

    fn find(&self, head: &RequestHead<'_>) -> Option<&Policy> {
        let host = host(head)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.policies.get(host) {
            None if host.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                self.policies.get(host.to_ascii_lowercase().as_str())
            }
            found => found,
        }
    }
}

/// Without its port.
fn host<'h>(head: &RequestHead<'h>) -> Option<&'h str> {
    if let Some(host) = head.uri.host() {
        return Some(host);
    }
    let mut lines = head.headers.get_all(HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let line = line.to_str().ok()?;
    let name = line.rfind(']').map_or(0, |end| end + 1);
    Some(line[name..].find(':').map_or(line, |colon| &line[..name + colon]))
}

impl PolicyResolver for ByHost {
    fn resolve(&self, head: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        StoreFuture::ready(Ok(self.find(head).cloned()))
    }
}

impl fmt::Debug for ByHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByHost").field(&self.policies).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn hosts(names: &[&str]) -> Result<ByHost, ConfigErrors<ConfigError>> {
        let policy = Policy::builder().origins(["*"]).build().unwrap();
        ByHost::new(names.iter().map(|name| (*name, policy.clone())))
    }

    fn finds(hosts: &ByHost, uri: &str, lines: &[&str]) -> bool {
        let mut request = Request::get(uri);
        for line in lines {
            request = request.header(HOST, *line);
        }
        hosts.find(&RequestHead::of(&request.body(()).unwrap())).is_some()
    }

    #[test]
    fn the_host_is_that_of_the_uri_or_of_the_one_header() {
        let hosts = hosts(&["API.example.com", "[::1]"]).unwrap();
        assert!(finds(&hosts, "https://api.example.com/a", &[]));
        assert!(finds(&hosts, "https://api.example.com:8443/a", &["other.example.com"]));
        for line in
            ["api.example.com", "API.Example.com:8080", "api.example.com.", "[::1]:80", "[::1]"]
        {
            assert!(finds(&hosts, "/a", &[line]), "{line}");
        }
        for line in [
            "",
            "example.com",
            "xapi.example.com",
            "api.example.com.evil.org",
            "a@api.example.com",
            ":80",
        ] {
            assert!(!finds(&hosts, "/a", &[line]), "{line}");
        }
        assert!(!finds(&hosts, "/a", &[]));
        assert!(!finds(&hosts, "/a", &["api.example.com", "api.example.com"]));
    }

    #[test]
    fn names_that_are_none_are_all_told() {
        let errors = hosts(&["https://a.example", "a.example:80", "", "b.example", "B.example."]);
        assert_eq!(errors.unwrap_err().as_slice().len(), 4);
    }
}
