//! In which form an answer goes out (GraphQL over HTTP, "Media Types").

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/graphql-response+json`, whose statuses say what they say everywhere.
    Response,
    /// `application/json`: 200 for whatever was understood, since older clients take any other status for one of a proxy.
    Json,
}

impl Media {
    /// What is accepted most, and first; the new form if nothing is said. `None` if it is something else.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(ACCEPT).iter().peekable();
        if lines.peek().is_none() {
            return Some(Self::Response);
        }
        let ranges = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        let known = ranges.filter_map(Self::range);
        // `max_by` would give the last of those that are equal.
        let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, quality)| *quality > 0.0).map(|(media, _)| media)
    }

    /// A media range with its quality.
    fn range(range: &str) -> Option<(Self, f32)> {
        let mut parts = range.split(';').map(str::trim);
        let media = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/graphql-response+json" | "application/*" | "*/*" => Self::Response,
            "application/json" => Self::Json,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some((media, quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0))))
    }

    pub(crate) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// What is sent in place of this status, for a request that was understood.
    pub(crate) fn status(self, status: StatusCode) -> StatusCode {
        match self {
            Self::Response => status,
            Self::Json => StatusCode::OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&str]) -> Option<Media> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, line.parse().unwrap());
        }
        Media::accepted(&headers)
    }

    #[test]
    fn the_best_that_is_accepted_is_sent() {
        for (lines, expected) in [
            (&[][..], Some(Media::Response)),
            (&["*/*"], Some(Media::Response)),
            (&["application/json"], Some(Media::Json)),
            (&["application/graphql-response+json"], Some(Media::Response)),
            (&["Application/JSON; charset=utf-8"], Some(Media::Json)),
            (&["application/graphql-response+json, application/json;q=0.9"], Some(Media::Response)),
            (&["application/graphql-response+json;q=0.1, application/json"], Some(Media::Json)),
            (&["text/html", "application/json"], Some(Media::Json)),
            (&["application/json, application/graphql-response+json"], Some(Media::Json)),
            (&["text/html"], None),
            (&["application/json;q=0"], None),
            (&["application/json;q=x"], None),
            (&[""], None),
        ] {
            assert_eq!(accepted(lines), expected, "{lines:?}");
        }
    }
}
