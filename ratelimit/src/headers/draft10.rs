use http::{HeaderMap, HeaderValue};

use super::figures::{allowance, retry_after_seconds, told, window};
use super::line::{Line, value};
use super::{RATELIMIT, RATELIMIT_POLICY, Told};
use crate::decision::Standing;
use crate::quota::Quota;

/// draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: two Lists of Strings with parameters.
#[derive(Debug)]
pub(crate) struct Draft10 {
    policies: Box<[Policy]>,
    /// `RateLimit-Policy` for a request that every policy concerns, each with its own quota.
    all: Option<HeaderValue>,
}

#[derive(Debug)]
struct Policy {
    /// As a String: in quotes.
    name: Box<[u8]>,
    quota: Option<Quota>,
    shadow: bool,
}

impl Draft10 {
    pub(super) fn new<'a>(policies: impl Iterator<Item = Told<'a>>) -> Self {
        let prepare = |told: Told<'_>| Policy {
            name: quote(told.name),
            quota: told.quota.copied(),
            shadow: told.shadow,
        };
        let policies: Box<[_]> = policies.map(prepare).collect();
        let quotas: Option<Vec<_>> = policies.iter().map(|policy| policy.quota).collect();
        let all = quotas.and_then(|quotas| {
            value(|line| {
                for (policy, quota) in policies.iter().zip(&quotas).filter(|(p, _)| !p.shadow) {
                    policy_item(line, &policy.name, quota);
                }
            })
        });
        // The first clone moves the bytes to where clones share them, once and here.
        drop(all.clone());
        Self { policies, all }
    }

    /// The policies, if they are the same for all.
    #[cfg(feature = "utoipa-6")]
    pub(crate) fn example(&self) -> Option<String> {
        self.all.as_ref().and_then(|all| all.to_str().ok()).map(str::to_owned)
    }

    /// Both fields are Lists, which may be continued on another line: what the service inside says
    /// of its own policies stays.
    pub(super) fn write(&self, granted: bool, standings: &[Standing], headers: &mut HeaderMap) {
        if let Some(policies) = self.policies(standings) {
            headers.append(RATELIMIT_POLICY, policies);
        }
        if let Some(limits) = self.limits(granted, standings) {
            headers.append(RATELIMIT, limits);
        }
    }

    fn policies(&self, standings: &[Standing]) -> Option<HeaderValue> {
        if self.is_all(standings) {
            return self.all.clone();
        }
        value(|line| {
            for standing in told(standings) {
                policy_item(line, self.name(standing), standing.quota());
            }
        })
    }

    fn is_all(&self, standings: &[Standing]) -> bool {
        let mut pairs = standings.iter().zip(&self.policies);
        standings.len() == self.policies.len()
            && pairs.all(|(standing, policy)| {
                policy.quota.as_ref() == Some(standing.quota()) && policy.shadow == standing.shadow
            })
    }

    fn limits(&self, granted: bool, standings: &[Standing]) -> Option<HeaderValue> {
        let at_most = retry_after_seconds(granted, standings);
        value(|line| {
            for standing in told(standings).filter(|standing| granted || standing.denies()) {
                limit_item(line, self.name(standing), standing, at_most);
            }
        })
    }

    fn name(&self, standing: &Standing) -> &[u8] {
        self.policies.get(usize::from(standing.at)).map_or(b"\"\"", |policy| &policy.name)
    }
}

fn policy_item(line: &mut Line, name: &[u8], quota: &Quota) {
    let (tokens, seconds) = window(quota);
    item(line, name);
    line.bytes(b";q=");
    line.integer(tokens);
    line.bytes(b";w=");
    line.integer(seconds);
}

fn limit_item(line: &mut Line, name: &[u8], standing: &Standing, at_most: Option<u64>) {
    let (tokens, seconds) = allowance(standing, at_most);
    item(line, name);
    line.bytes(b";r=");
    line.integer(tokens);
    line.bytes(b";t=");
    line.integer(seconds);
    if let Some(partition) = &standing.partition {
        line.bytes(b";pk=:");
        line.base64(partition);
        line.bytes(b":");
    }
}

fn item(line: &mut Line, name: &[u8]) {
    if !line.is_empty() {
        line.bytes(b", ");
    }
    line.bytes(name);
}

/// RFC 9651, section 4.1.6.
fn quote(name: &str) -> Box<[u8]> {
    let mut out = Vec::with_capacity(name.len() + 2);
    out.push(b'"');
    for &byte in name.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    out.into()
}
