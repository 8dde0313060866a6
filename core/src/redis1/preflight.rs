use std::fmt;

use redis::aio::ConnectionLike;
use redis::{RedisError, Value};

/// What a [`preflight`] found to be unsafe.
///
/// Displayed, each names the reason and the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A server may evict records to make room, and what it forgets happens again: a request runs
    /// twice, a limit starts anew.
    #[non_exhaustive]
    CanEvict {
        /// The server's `maxmemory-policy`.
        policy: String,
    },
    /// A server is older than Redis 7.0 and lacks commands that the store needs.
    #[non_exhaustive]
    TooOld {
        /// The version that it tells.
        version: String,
    },
    /// Something could not be looked at, for instance because a managed service forbids it.
    #[non_exhaustive]
    Unchecked {
        /// What was to be looked at.
        what: &'static str,
        /// What the server said.
        reason: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CanEvict { policy } => write!(
                f,
                "maxmemory-policy is {policy}: a full server forgets records that it was to keep; \
                 set maxmemory-policy to noeviction"
            ),
            Self::TooOld { version } => write!(
                f,
                "the server is version {version}, which lacks commands and script flags that are \
                 used; use Redis 7.0 or later, or Valkey"
            ),
            Self::Unchecked { what, reason } => write!(
                f,
                "could not check {what} ({reason}); make sure by hand that the server is Redis \
                 7.0 or later or Valkey, and that maxmemory-policy is noeviction"
            ),
        }
    }
}

/// Asks the server, or every primary of a cluster, whether it is safe to keep records there.
///
/// Looks at what `INFO` tells, which managed services allow more often than `CONFIG`. What cannot
/// be asked is a warning too.
pub async fn preflight(connection: &mut impl ConnectionLike) -> Vec<Warning> {
    let mut warnings = Vec::new();
    match info(connection, "server").await {
        Ok(lines) => warnings.extend(versions(&lines)),
        Err(error) => warnings.push(unchecked("the server's version", error.to_string())),
    }
    match info(connection, "memory").await {
        Ok(lines) => warnings.extend(policies(&lines)),
        Err(error) => warnings.push(unchecked("maxmemory-policy", error.to_string())),
    }
    warnings
}

async fn info(
    connection: &mut impl ConnectionLike,
    section: &str,
) -> Result<Vec<String>, RedisError> {
    let reply = redis::cmd("INFO").arg(section).query_async(connection).await?;
    let mut nodes = Vec::new();
    texts(reply, &mut nodes);
    Ok(nodes)
}

/// Collects the texts of a reply: one from a server, one per node from a cluster.
fn texts(reply: Value, into: &mut Vec<String>) {
    match reply {
        Value::BulkString(bytes) => into.push(String::from_utf8_lossy(&bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => into.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| texts(value, into)),
        Value::Map(pairs) => pairs.into_iter().for_each(|(_, value)| texts(value, into)),
        _ => {}
    }
}

fn unchecked(what: &'static str, reason: impl Into<String>) -> Warning {
    Warning::Unchecked { what, reason: reason.into() }
}

fn versions(nodes: &[String]) -> Vec<Warning> {
    each(nodes, version)
}

fn policies(nodes: &[String]) -> Vec<Warning> {
    each(nodes, policy)
}

/// Looks at every node; nodes that have the same fault give one warning.
fn each(nodes: &[String], look: fn(&str) -> Option<Warning>) -> Vec<Warning> {
    let nothing = [String::new()];
    let nodes = if nodes.is_empty() { &nothing[..] } else { nodes };
    let mut warnings: Vec<_> = nodes.iter().filter_map(|node| look(node)).collect();
    warnings.dedup();
    warnings
}

fn version(info: &str) -> Option<Warning> {
    // Valkey tells as redis_version that of the Redis which it was made from.
    if value(info, "valkey_version").is_some() {
        return None;
    }
    let Some(version) = value(info, "redis_version") else {
        return Some(unchecked("the server's version", "INFO does not tell redis_version"));
    };
    match version.split('.').next().map(str::parse::<u32>) {
        Some(Ok(major)) if major >= 7 => None,
        Some(Ok(_)) => Some(Warning::TooOld { version: version.to_owned() }),
        _ => Some(unchecked("the server's version", format!("redis_version is {version}"))),
    }
}

fn policy(info: &str) -> Option<Warning> {
    // Without a limit nothing is ever evicted, whatever the policy.
    if value(info, "maxmemory") == Some("0") {
        return None;
    }
    match value(info, "maxmemory_policy") {
        Some("noeviction") => None,
        Some(policy) => Some(Warning::CanEvict { policy: policy.to_owned() }),
        None => Some(unchecked("maxmemory-policy", "INFO does not tell maxmemory_policy")),
    }
}

/// The value of `name:value` on a line of its own.
fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_7_are_too_old_unless_it_is_valkey() {
        let old = "# Server\r\nredis_version:6.2.14\r\n";
        assert_eq!(version(old), Some(Warning::TooOld { version: "6.2.14".into() }));
        assert_eq!(version("redis_version:7.0.0\r\n"), None);
        assert_eq!(version("redis_version:10.1\r\n"), None);
        assert_eq!(version("redis_version:6.9\r\nvalkey_version:8.1.0\r\n"), None);
        assert!(matches!(version("redis_version:x"), Some(Warning::Unchecked { .. })));
        assert!(matches!(version(""), Some(Warning::Unchecked { .. })));
    }

    #[test]
    fn a_policy_matters_only_under_a_limit() {
        let evicts = "maxmemory:100\r\nmaxmemory_human:100B\r\nmaxmemory_policy:volatile-ttl\r\n";
        assert_eq!(policy(evicts), Some(Warning::CanEvict { policy: "volatile-ttl".into() }));
        assert_eq!(policy("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"), None);
        assert_eq!(policy("maxmemory:100\r\nmaxmemory_policy:noeviction\r\n"), None);
        assert!(matches!(policy("used_memory:1"), Some(Warning::Unchecked { .. })));
    }

    #[test]
    fn every_node_of_a_cluster_is_looked_at() {
        let node = |text: &str| (Value::Nil, Value::BulkString(text.into()));
        let mut nodes = Vec::new();
        texts(Value::Map(vec![node("redis_version:7.2"), node("redis_version:6.0")]), &mut nodes);
        assert_eq!(versions(&nodes), [Warning::TooOld { version: "6.0".into() }]);
        assert!(matches!(versions(&[])[..], [Warning::Unchecked { .. }]));
    }

    #[test]
    fn warnings_name_reason_and_fix() {
        let text = Warning::CanEvict { policy: "allkeys-lru".into() }.to_string();
        assert!(text.contains("allkeys-lru") && text.contains("noeviction"), "{text}");
    }
}
