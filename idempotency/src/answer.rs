//! The head of a recorded answer, as bytes: status, headers and trailers.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, HeaderName,
    HeaderValue, PROXY_AUTHENTICATE, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, StatusCode};
use stonework_core::{StoreError, StoreErrorKind};

/// A larger head is kept as its status alone, and without its body, which nobody could read. Few
/// clients and proxies take a head of this size.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// Of the layout below. A reader that meets another one fails closed.
const VERSION: u8 = 1;

/// Headers that describe one exchange and not the answer: they would lie in a replay.
const NOT_REPLAYED: [HeaderName; 18] = [
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    PROXY_AUTHENTICATE,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("b3"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-cloud-trace-context"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
];

/// The same, by what they begin with or are, where the list above would grow long.
const NOT_REPLAYED_PREFIXES: [&str; 9] = [
    "x-ratelimit-",
    "x-rate-limit-",
    "ratelimit-",
    "x-b3-",
    "x-request-id",
    "x-correlation-id",
    "x-trace-id",
    "x-amzn-trace-id",
    "x-amzn-requestid",
];

/// Headers that describe a body, and would lie about one that was not kept.
const OF_THE_BODY: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_RANGE,
    CONTENT_TYPE,
    TRAILER,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// Makes a head one without a body.
pub(crate) fn forget_body(head: &mut Head) {
    for name in OF_THE_BODY {
        head.headers.remove(name);
    }
}

/// What is told again of a response's headers.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    headers: &'a HeaderMap,
    set_cookie: bool,
}

impl<'a> Filter<'a> {
    pub(crate) const fn new(headers: &'a HeaderMap, set_cookie: bool) -> Self {
        Self { headers, set_cookie }
    }

    fn keeps(&self, name: &HeaderName) -> bool {
        if name == SET_COOKIE {
            return self.set_cookie;
        }
        !NOT_REPLAYED.contains(name)
            && !NOT_REPLAYED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
            && !self.is_nominated(name)
    }

    /// RFC 9110, section 7.6.1: what `Connection` names belongs to the connection.
    fn is_nominated(&self, name: &HeaderName) -> bool {
        self.headers.get_all(CONNECTION).iter().any(|value| {
            value
                .as_bytes()
                .split(|&b| b == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
        self.headers.iter().filter(|(name, _)| self.keeps(name))
    }
}

/// What a recorded answer begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Encodes a head, or nothing if it is too large to be kept. Layout, all numbers big-endian: version u8, status u16, then headers and
/// trailers as a count u16 each (trailers: 0xffff for none), each field as name length u16, name,
/// value length u32, value.
pub(crate) fn encode(
    status: StatusCode,
    headers: &Filter<'_>,
    trailers: Option<&HeaderMap>,
) -> Option<Bytes> {
    let fields = |fields: &mut dyn Iterator<Item = (&HeaderName, &HeaderValue)>| {
        fields.fold((0, 0), |(count, size), (name, value)| {
            (count + 1, size + 6 + name.as_str().len() + value.len())
        })
    };
    let (count, size) = fields(&mut headers.iter());
    let (trailer_count, trailer_size) = trailers.map_or((NONE, 0), |map| fields(&mut map.iter()));
    if size + trailer_size + 7 > MAX_HEAD {
        return None;
    }
    let mut out = BytesMut::with_capacity(size + trailer_size + 7);
    out.put_u8(VERSION);
    out.put_u16(status.as_u16());
    // MAX_HEAD keeps counts and lengths well below their types' limits.
    out.put_u16(count as u16);
    headers.iter().for_each(|field| put_field(&mut out, field));
    out.put_u16(trailer_count as u16);
    trailers.into_iter().flatten().for_each(|field| put_field(&mut out, field));
    Some(out.freeze())
}

/// The head of an answer of which only the status is kept.
pub(crate) fn encode_status(status: StatusCode) -> Bytes {
    let [high, low] = status.as_u16().to_be_bytes();
    Bytes::copy_from_slice(&[VERSION, high, low, 0, 0, 0xff, 0xff])
}

/// The count that says "no trailers", as opposed to an empty map of them.
const NONE: usize = 0xffff;

fn put_field(out: &mut BytesMut, (name, value): (&HeaderName, &HeaderValue)) {
    let name = name.as_str().as_bytes();
    out.put_u16(name.len() as u16);
    out.put_slice(name);
    out.put_u32(value.len() as u32);
    out.put_slice(value.as_bytes());
}

/// Decodes a head without copying the values.
pub(crate) fn decode(bytes: Bytes) -> Result<Head, StoreError> {
    let mut reader = Reader(bytes);
    reader.head().ok_or_else(|| StoreError::new(StoreErrorKind::Incompatible))
}

struct Reader(Bytes);

impl Reader {
    fn head(&mut self) -> Option<Head> {
        if self.take(1)?[0] != VERSION {
            return None;
        }
        let status = StatusCode::from_u16(self.u16()?).ok()?;
        let count = usize::from(self.u16()?);
        let headers = self.fields(count)?;
        let trailers = match usize::from(self.u16()?) {
            NONE => None,
            count => Some(self.fields(count)?),
        };
        self.0.is_empty().then_some(Head { status, headers, trailers })
    }

    fn fields(&mut self, count: usize) -> Option<HeaderMap> {
        // No field is shorter than six bytes, so a count that lies reserves nothing. A map holds
        // fewer fields than a count can say, and `with_capacity` panics beyond them.
        let mut map = HeaderMap::try_with_capacity(count.min(self.0.len() / 6)).ok()?;
        for _ in 0..count {
            let len = usize::from(self.u16()?);
            let name = HeaderName::from_bytes(&self.take(len)?).ok()?;
            let len = u32::from_be_bytes(self.take(4)?.as_ref().try_into().ok()?);
            let value = self.take(usize::try_from(len).ok()?)?;
            map.try_append(name, HeaderValue::from_maybe_shared(value).ok()?).ok()?;
        }
        Some(map)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.as_ref().try_into().ok()?))
    }

    fn take(&mut self, len: usize) -> Option<Bytes> {
        (len <= self.0.len()).then(|| self.0.split_to(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(fields: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value).unwrap();
            map.append(HeaderName::from_static(name), value);
        }
        map
    }

    fn replayed(headers: &HeaderMap, set_cookie: bool) -> HeaderMap {
        decode(encode(StatusCode::OK, &Filter::new(headers, set_cookie), None).unwrap())
            .unwrap()
            .headers
    }

    #[test]
    fn duplicates_and_opaque_bytes_and_trailers_come_back() {
        let headers = map(&[
            ("link", b"<a>"),
            ("location", b"/v1/transfers/1"),
            ("etag", b"\"\xff\x80\""),
            ("link", b"<b>"),
            ("x-empty", b""),
        ]);
        let trailers = map(&[("grpc-status", b"0"), ("grpc-status-details-bin", b"Zm8")]);
        let encoded = encode(StatusCode::CREATED, &Filter::new(&headers, false), Some(&trailers));
        let head = decode(encoded.unwrap()).unwrap();
        assert_eq!(head, Head { status: StatusCode::CREATED, headers, trailers: Some(trailers) });
        let encoded = encode(StatusCode::OK, &Filter::new(&HeaderMap::new(), false), None);
        assert_eq!(decode(encoded.unwrap()).unwrap().trailers, None);
    }

    #[test]
    fn what_belongs_to_one_exchange_is_dropped() {
        let mut headers = map(&[
            ("connection", b"close, X-Hop , x-other"),
            ("x-hop", b"1"),
            ("x-other", b"1"),
            ("keep-alive", b"1"),
            ("transfer-encoding", b"chunked"),
            ("content-length", b"3"),
            ("date", b"today"),
            ("set-cookie", b"a=b"),
            ("traceparent", b"00-"),
            ("x-request-id", b"1"),
            ("ratelimit", b"1"),
            ("x-ratelimit-remaining", b"1"),
        ]);
        headers.insert("trailer", HeaderValue::from_static("x-sum"));
        headers.insert("content-type", HeaderValue::from_static("text/plain"));
        let kept = map(&[("trailer", b"x-sum"), ("content-type", b"text/plain")]);
        assert_eq!(replayed(&headers, false), kept);
        assert!(replayed(&headers, true).contains_key("set-cookie"));
    }

    #[test]
    fn a_head_that_is_too_large_is_kept_as_its_status() {
        let mut headers = HeaderMap::new();
        headers.insert("x-large", HeaderValue::from_maybe_shared(vec![b'a'; MAX_HEAD]).unwrap());
        assert_eq!(encode(StatusCode::ACCEPTED, &Filter::new(&headers, false), None), None);
        let head = decode(encode_status(StatusCode::ACCEPTED));
        let expected =
            Head { status: StatusCode::ACCEPTED, headers: HeaderMap::new(), trailers: None };
        assert_eq!(head.unwrap(), expected);
    }

    #[test]
    fn the_layout_does_not_change_by_accident() {
        let headers = map(&[("a", b"b")]);
        let encoded = encode(StatusCode::CREATED, &Filter::new(&headers, false), Some(&headers));
        let field = b"\0\x01a\0\0\0\x01b";
        let expected = [&b"\x01\0\xc9\0\x01"[..], field, b"\0\x01", field].concat();
        assert_eq!(encoded.unwrap(), expected);
    }

    #[test]
    fn more_fields_than_a_map_holds_are_an_error() {
        let mut bytes = b"\x01\0\xc9\xff\xfe".to_vec();
        bytes.resize(6 * 0xffff, 0);
        let error = decode(bytes.into()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    }

    #[test]
    fn another_version_fails_closed() {
        let error = decode(Bytes::from_static(b"\x02\0\xc9\0\0\xff\xff")).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_head_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(decode(Bytes::from(bytes.clone())));
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            drop(decode(Bytes::from(bytes)));
        }
    }
}
