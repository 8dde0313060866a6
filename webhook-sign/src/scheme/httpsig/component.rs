use http::HeaderName;
use http::uri::Scheme;
use stonework_core::{OriginalUri, RequestHead};

use crate::scheme::PublicUrl;
use crate::{Field, Refusal};

/// How many components a signature may cover.
pub(super) const MAX_COMPONENTS: usize = 32;

/// A part of a request that a signature covers (RFC 9421, section 2), without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Component {
    Method,
    TargetUri,
    Authority,
    Scheme,
    Path,
    Query,
    RequestTarget,
    Header(HeaderName),
}

impl Component {
    pub(super) fn parse(name: &str) -> Result<Self, Refusal> {
        Ok(match name {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@path" => Self::Path,
            "@query" => Self::Query,
            "@request-target" => Self::RequestTarget,
            name => {
                let malformed = Refusal::Malformed(Field::Header);
                let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed)?;
                // Component names are in lower case; another spelling would be another line of the message.
                if header.as_str() != name {
                    return Err(malformed);
                }
                Self::Header(header)
            }
        })
    }

    /// Appends the value.
    pub(super) fn put(
        &self,
        head: &RequestHead<'_>,
        url: &PublicUrl,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let uri = OriginalUri::of(head);
        // As the sender knows it.
        let path = || match url.prefix() + uri.path() {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        match self {
            Self::Method => out.extend_from_slice(head.method.as_str().as_bytes()),
            Self::TargetUri => out.extend_from_slice(url.of(head).as_bytes()),
            Self::Authority => out.extend_from_slice(authority(url)?.as_bytes()),
            Self::Scheme => {
                let configured = url.uri().ok_or(Refusal::Missing(Field::Url))?;
                out.extend_from_slice(configured.scheme_str().unwrap_or_default().as_bytes());
            }
            Self::Path => out.extend_from_slice(path().as_bytes()),
            Self::Query => {
                out.push(b'?');
                out.extend_from_slice(uri.query().unwrap_or_default().as_bytes());
            }
            Self::RequestTarget => {
                out.extend_from_slice(path().as_bytes());
                if let Some(query) = uri.query() {
                    out.push(b'?');
                    out.extend_from_slice(query.as_bytes());
                }
            }
            Self::Header(name) => header(name, head, out)?,
        }
        Ok(())
    }
}

/// In lower case, without the port that its scheme has by default (section 2.2.3).
fn authority(url: &PublicUrl) -> Result<String, Refusal> {
    let uri = url.uri().ok_or(Refusal::Missing(Field::Url))?;
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let default = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
    Ok(match uri.port_u16() {
        Some(port) if port != default => format!("{host}:{port}"),
        _ => host,
    })
}

/// All values of a header, joined as the standard has it (section 2.1).
fn header(name: &HeaderName, head: &RequestHead<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut values = head.headers.get_all(name).iter();
    let first = values.next().ok_or(Refusal::Missing(Field::Header))?;
    out.extend_from_slice(first.as_bytes().trim_ascii());
    for value in values {
        out.extend_from_slice(b", ");
        out.extend_from_slice(value.as_bytes().trim_ascii());
    }
    Ok(())
}
