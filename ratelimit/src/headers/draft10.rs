use http::{HeaderMap, HeaderValue};

use super::figures::{allowance, retry_after_seconds, told, window};
use super::line::{Line, value};
use super::{RATELIMIT, RATELIMIT_POLICY, Told};
use crate::decision::Figures;
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

    /// Both fields are Lists, which may be continued on another line: what the service inside says
    /// of its own policies stays.
    pub(super) fn write<F: AsRef<Figures>>(
        &self,
        granted: bool,
        figures: &[F],
        headers: &mut HeaderMap,
    ) {
        if let Some(policies) = self.policies(figures) {
            headers.append(RATELIMIT_POLICY, policies);
        }
        if let Some(limits) = self.limits(granted, figures) {
            headers.append(RATELIMIT, limits);
        }
    }

    fn policies<F: AsRef<Figures>>(&self, figures: &[F]) -> Option<HeaderValue> {
        if self.is_all(figures) {
            return self.all.clone();
        }
        value(|line| {
            for figures in told(figures) {
                policy_item(line, self.name(figures), &figures.quota);
            }
        })
    }

    fn is_all<F: AsRef<Figures>>(&self, figures: &[F]) -> bool {
        let mut pairs = figures.iter().map(AsRef::as_ref).zip(&self.policies);
        figures.len() == self.policies.len()
            && pairs.all(|(figures, policy)| {
                policy.quota.as_ref() == Some(&figures.quota) && policy.shadow == figures.shadow
            })
    }

    fn limits<F: AsRef<Figures>>(&self, granted: bool, figures: &[F]) -> Option<HeaderValue> {
        let at_most = retry_after_seconds(granted, figures);
        value(|line| {
            for figures in told(figures).filter(|figures| granted || figures.denies()) {
                limit_item(line, self.name(figures), figures, at_most);
            }
        })
    }

    fn name(&self, figures: &Figures) -> &[u8] {
        self.policies.get(usize::from(figures.at)).map_or(b"\"\"", |policy| &policy.name)
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

fn limit_item(line: &mut Line, name: &[u8], figures: &Figures, at_most: Option<u64>) {
    let (tokens, seconds) = allowance(figures, at_most);
    item(line, name);
    line.bytes(b";r=");
    line.integer(tokens);
    line.bytes(b";t=");
    line.integer(seconds);
    if let Some(partition) = &figures.partition {
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
