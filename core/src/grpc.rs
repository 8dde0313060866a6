use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};

/// The canonical gRPC status codes, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
#[allow(missing_docs)] // The names are gRPC's own.
pub enum GrpcCode {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl GrpcCode {
    /// The code that says in gRPC what this status says in HTTP.
    pub fn of(status: http::StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::Aborted,
            412 | 422 => Self::FailedPrecondition,
            408 | 504 => Self::DeadlineExceeded,
            413 | 429 => Self::ResourceExhausted,
            501 => Self::Unimplemented,
            503 => Self::Unavailable,
            500..=599 => Self::Internal,
            _ => Self::Unknown,
        }
    }
}

/// How this caller must be answered, told by the request's content type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// Plain HTTP: a status and a body.
    Http,
    /// `application/grpc` and `application/grpc+…`: always 200, the status in trailers.
    Grpc,
    /// `application/grpc-web…`: the same, under the request's own content type.
    GrpcWeb(HeaderValue),
}

impl Protocol {
    /// The protocol of a request with these headers. Media types are compared without case.
    pub fn of(headers: &HeaderMap) -> Self {
        const GRPC: &[u8] = b"application/grpc";
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Http;
        };
        let bytes = value.as_bytes();
        match bytes.split_at_checked(GRPC.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(GRPC) => match rest.first() {
                None | Some(b'+' | b';' | b' ') => Self::Grpc,
                Some(b'-') if is_web(rest) => Self::GrpcWeb(value.clone()),
                Some(_) => Self::Http,
            },
            _ => Self::Http,
        }
    }

    /// Is this one of the two gRPC protocols?
    pub const fn is_grpc(&self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcWeb(_))
    }
}

fn is_web(rest: &[u8]) -> bool {
    rest.get(..4).is_some_and(|web| web.eq_ignore_ascii_case(b"-web"))
}

/// A trailers-only reply: the status stands in the headers and no message follows
/// (gRPC over HTTP/2, "Responses").
pub(crate) fn trailers_only(
    content_type: HeaderValue,
    code: GrpcCode,
    message: &str,
    details: &[u8],
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert("grpc-status", HeaderValue::from(code as u16));
    insert_ascii(headers, "grpc-message", percent_encode(message));
    insert_ascii(headers, "grpc-status-details-bin", base64(details));
    response
}

fn insert_ascii(headers: &mut HeaderMap, name: &'static str, text: String) {
    // Both encodings below yield visible ASCII, which a header value always takes.
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
        headers.insert(name, value);
    }
}

/// `grpc-message` is percent-encoded: everything but visible ASCII and the space, and `%` itself.
fn percent_encode(message: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(message.len());
    for &byte in message.as_bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Base64 without padding, as gRPC writes binary metadata.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            let sextet = (number >> (18 - 6 * place)) & 63;
            out.push(char::from(ALPHABET[sextet as usize]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(content_type: &'static str) -> Protocol {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Protocol::of(&headers)
    }

    #[test]
    fn the_content_type_tells_the_protocol() {
        assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Http);
        assert_eq!(protocol("application/json"), Protocol::Http);
        assert_eq!(protocol("application/grp"), Protocol::Http);
        assert_eq!(protocol("application/grpcx"), Protocol::Http);
        assert_eq!(protocol("application/grpc-wet"), Protocol::Http);
        assert_eq!(protocol("application/grpc"), Protocol::Grpc);
        assert_eq!(protocol("Application/gRPC+proto"), Protocol::Grpc);
        let web = "application/grpc-web-text+proto";
        assert_eq!(protocol(web), Protocol::GrpcWeb(HeaderValue::from_static(web)));
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encode("50% of ü\n"), "50%25 of %C3%BC%0A");
    }

    #[test]
    fn base64_by_the_vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
